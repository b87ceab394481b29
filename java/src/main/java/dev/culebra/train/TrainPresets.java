package dev.culebra.train;

import dev.culebra.backend.Recompute;
import dev.culebra.cuda.Binding;
import dev.culebra.data.TokenizerChoice;
import dev.culebra.nn.GptConfig;
import dev.culebra.nn.Preset;
import dev.culebra.optim.LearningRate;
import dev.culebra.optim.Optimizer;

/** How each preset is trained if nobody says otherwise. */
final class TrainPresets {
  private static final int ANY_VOCAB = 1;

  private TrainPresets() {}

  /** All values of a run with this preset, but for {@code minLr}, which follows {@code lr}. */
  static TrainOptions of(Preset preset) {
    TrainOptions options = common().preset(preset).with(model(preset.config(ANY_VOCAB)));
    return switch (preset) {
      case NANO -> characters(options).batch(12).steps(3000).evalBatches(20);
      case BABY -> characters(options).batch(64).steps(5000).evalBatches(200);
      case GPT2, GPT2_MEDIUM, GPT2_LARGE, GPT2_XL -> words(options);
    };
  }

  private static TrainOptions common() {
    return new TrainOptions()
        .data("dickens")
        .gradAccum(1)
        .optimizer(Optimizer.Kind.ADAMW)
        .schedule(LearningRate.Schedule.COSINE)
        .weightDecay(0.1f)
        .beta1(0.9f)
        .clip(1f)
        .minutes(0f)
        .patience(0)
        .decayFrom(0)
        .logEvery(10)
        .seed(1337L)
        .threads(0)
        .device(DeviceChoice.AUTO)
        .dtype(DtypeChoice.AUTO)
        .tf32(false)
        .binding(Binding.AUTO)
        .recompute(Recompute.NONE)
        .skipUnknown(false);
  }

  private static TrainOptions model(GptConfig model) {
    return new TrainOptions()
        .layers(model.layers())
        .heads(model.heads())
        .embd(model.embd())
        .context(model.context())
        .dropout(model.dropout())
        .bias(model.bias())
        .tiedHead(model.tiedHead())
        .activation(model.activation())
        .gatedMlp(model.variant().gatedMlp())
        .positions(model.variant().positions())
        .norm(model.variant().norm())
        .qkNorm(model.variant().qkNorm())
        .kvHeads(model.variant().kvHeads())
        .softcap(model.variant().softcap());
  }

  /** Small models on characters, as nanoGPT trains them: few tokens a step, so a larger beta2. */
  private static TrainOptions characters(TrainOptions options) {
    return options
        .tokenizer(TokenizerChoice.CHAR)
        .lr(1e-3f)
        .warmup(100)
        .beta2(0.99f)
        .evalEvery(250)
        .sampleEvery(250)
        .saveEvery(250);
  }

  /** GPT-2's sizes, with GPT-3's figures (Brown et al., 2020) for the small one. */
  private static TrainOptions words(TrainOptions options) {
    return options
        .tokenizer(TokenizerChoice.GPT2)
        .batch(4)
        .gradAccum(8)
        .steps(20_000)
        .lr(6e-4f)
        .warmup(2000)
        .beta2(0.95f)
        .evalEvery(1000)
        .sampleEvery(1000)
        .evalBatches(50)
        .saveEvery(1000);
  }
}
