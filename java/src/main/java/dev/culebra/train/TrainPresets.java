package dev.culebra.train;

import dev.culebra.backend.Recompute;
import dev.culebra.cuda.Binding;
import dev.culebra.data.Arithmetic;
import dev.culebra.nn.GptConfig;
import dev.culebra.nn.Preset;
import dev.culebra.optim.LearningRate;
import dev.culebra.optim.Optimizer;
import dev.culebra.text.TokenizerKind;

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

  /**
   * What data asks for that is no text: problems have a length of their own.
   *
   * @param anyModel whether nobody named a preset: then the calculator has a model that learns it
   */
  static TrainOptions ofData(String data, boolean anyModel) {
    return data == null
        ? new TrainOptions()
        : Arithmetic.find(data)
            .map(arithmetic -> problems(arithmetic, anyModel))
            .orElseGet(TrainOptions::new);
  }

  private static TrainOptions problems(Arithmetic arithmetic, boolean anyModel) {
    TrainOptions options =
        new TrainOptions().context(arithmetic.context()).tokenizer(TokenizerKind.CHAR).batch(128);
    return switch (arithmetic.kind()) {
      case ADDITION -> options.steps(1500);
      case CALCULATOR -> anyModel ? calculator(options) : options;
    };
  }

  /**
   * Products take many steps, which a small model makes fast, and there are so few of them that it
   * would learn them by heart but for the decay (bench/DECISIONS.md).
   */
  private static TrainOptions calculator(TrainOptions options) {
    return options
        .layers(3)
        .heads(4)
        .embd(64)
        .optimizer(Optimizer.Kind.MUON)
        .lr(4e-3f)
        .weightDecay(0.3f)
        .steps(10_000)
        .logEvery(100)
        .evalEvery(1000)
        .sampleEvery(1000)
        .saveEvery(1000);
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
        .tokenizer(TokenizerKind.CHAR)
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
        .tokenizer(TokenizerKind.GPT2)
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
