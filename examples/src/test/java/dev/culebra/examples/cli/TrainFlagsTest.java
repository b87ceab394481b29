package dev.culebra.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.culebra.backend.Activation;
import dev.culebra.data.TokenizerChoice;
import dev.culebra.examples.papers.Paper;
import dev.culebra.nn.Normalization;
import dev.culebra.nn.Positions;
import dev.culebra.nn.Preset;
import dev.culebra.nn.Variant;
import dev.culebra.optim.LearningRate;
import dev.culebra.optim.Optimizer;
import dev.culebra.train.DeviceChoice;
import dev.culebra.train.TrainConfig;
import dev.culebra.train.TrainOptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.ParameterException;

class TrainFlagsTest {
  @Command(name = "flags")
  private static final class Flags {
    @Mixin private TrainFlags flags;
  }

  private final Flags command = new Flags();
  private final CommandLine commandLine = Culebra.configure(new CommandLine(command));

  private TrainConfig parse(String line) {
    commandLine.parseArgs(line.isEmpty() ? new String[0] : line.split(" "));
    return command.flags.options().config();
  }

  @Test
  void withoutFlagsThePresetStays() {
    assertThat(parse("")).isEqualTo(new TrainOptions().config());
  }

  @Test
  void everyFlagReachesTheConfiguration() {
    TrainConfig config =
        parse(
            "--data macbeth --tokenizer gpt2 --preset baby --layers 2 --heads 3 --embd 30"
                + " --context 17 --dropout 0.25 --bias --batch 5 --grad-accum 6 --steps 70"
                + " --lr 0.5 --min-lr 0.25 --warmup 8 --schedule linear --weight-decay 0.125"
                + " --beta1 0.75 --beta2 0.875 --clip 2 --eval-every 9 --eval-batches 10"
                + " --log-every 11 --save-every 12 --sample-every 13 --seed -14 --threads 15"
                + " --device cuda:1 --tied-head --activation relu_squared --gated-mlp"
                + " --positions rotary --norm rms --qk-norm --kv-heads 1 --softcap 30"
                + " --optimizer muon --minutes 1.5 --patience 3");

    assertThat(config)
        .isEqualTo(
            new TrainOptions()
                .data("macbeth")
                .tokenizer(TokenizerChoice.GPT2)
                .preset(Preset.BABY)
                .layers(2)
                .heads(3)
                .embd(30)
                .context(17)
                .dropout(0.25f)
                .bias(true)
                .batch(5)
                .gradAccum(6)
                .steps(70)
                .lr(0.5f)
                .minLr(0.25f)
                .warmup(8)
                .schedule(LearningRate.Schedule.LINEAR)
                .weightDecay(0.125f)
                .beta1(0.75f)
                .beta2(0.875f)
                .clip(2f)
                .evalEvery(9)
                .evalBatches(10)
                .logEvery(11)
                .saveEvery(12)
                .sampleEvery(13)
                .seed(-14L)
                .threads(15)
                .device(new DeviceChoice(DeviceChoice.Kind.CUDA, 1))
                .tiedHead(true)
                .activation(Activation.RELU_SQUARED)
                .gatedMlp(true)
                .positions(Positions.ROTARY)
                .norm(Normalization.RMS)
                .qkNorm(true)
                .kvHeads(1)
                .softcap(30f)
                .optimizer(Optimizer.Kind.MUON)
                .minutes(1.5f)
                .patience(3)
                .config());
  }

  @Test
  void biasCanBeTakenAway() {
    assertThat(parse("--preset gpt2").bias()).isTrue();
    assertThat(parse("--preset gpt2 --no-bias").bias()).isFalse();
  }

  @Test
  void llamaIsADefaultThatOtherFlagsOverride() {
    TrainConfig llama = parse("--preset gpt2 --llama --tied-head");
    assertThat(llama)
        .isEqualTo(
            parse(
                "--preset gpt2 --positions rotary --norm rms --activation silu --gated-mlp"
                    + " --no-bias --tied-head"));
    assertThat(llama.model(9).variant()).isEqualTo(Variant.LLAMA);
    assertThat(parse("--llama").tiedHead()).isFalse();
  }

  @ParameterizedTest
  @EnumSource
  void papersAreWhatTheirFlagsSay(Paper paper) {
    assertThat(parse(paper.flags())).isEqualTo(new TrainOptions().with(paper.options()).config());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          --batch x       | Invalid value for option '--batch': 'x' is not a whole number
          --batch 1.5     | Invalid value for option '--batch': '1.5' is not a whole number
          --batch=        | Invalid value for option '--batch': '' is not a whole number
          --seed 1e3      | Invalid value for option '--seed': '1e3' is not a whole number
          --lr fast       | Invalid value for option '--lr': 'fast' is not a number
          --device gpu    | Invalid value for option '--device': 'gpu' is not auto, cpu, cuda or cuda:N
          --tokenizer bpe | Invalid value for option '--tokenizer': 'bpe' is not char, gpt2 or a folder with a tokenizer
          --norm batch    | Invalid value for option '--norm': 'batch' is not one of layer, rms
          --schedule step | Invalid value for option '--schedule': 'step' is not one of cosine, linear, constant
          --lr            | Missing required parameter for option '--lr' (RATE)
          """)
  void aValueOfTheWrongTypeIsNamed(String line, String message) {
    assertThatExceptionOfType(ParameterException.class)
        .isThrownBy(() -> parse(line))
        .withMessage(message);
  }

  @Test
  void theHelpTellsThePresetsDefaults() {
    String help = commandLine.getUsageMessage().replaceAll("\\s+", " ");

    assertThat(help)
        .contains(
            "--batch=N Sequences of a micro-step. Default: 12 (baby: 64, gpt2: 4)",
            "train. Default: char (gpt2: gpt2)",
            "Highest learning rate. Default: 0.001 (gpt2: 0.0006)",
            "Biases in linear layers and layernorms. Default: no (gpt2: yes)")
        .doesNotContain("${", "null");
  }
}
