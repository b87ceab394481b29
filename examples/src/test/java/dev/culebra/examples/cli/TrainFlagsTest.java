package dev.culebra.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.culebra.data.TokenizerChoice;
import dev.culebra.examples.papers.Paper;
import dev.culebra.nn.GptConfig;
import dev.culebra.nn.Preset;
import dev.culebra.options.Option;
import dev.culebra.options.Options;
import dev.culebra.options.Setting;
import dev.culebra.options.ValueType;
import dev.culebra.train.DataConfig;
import dev.culebra.train.DeviceChoice;
import dev.culebra.train.DeviceConfig;
import dev.culebra.train.TrainConfig;
import dev.culebra.train.TrainingConfig;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;

class TrainFlagsTest {
  @Command(name = "flags")
  private static final class Subject {
    private final TrainFlags flags = new TrainFlags();
    @Mixin private final CommandSpec spec = flags.spec();
  }

  private final Subject command = new Subject();
  private final CommandLine commandLine = Culebra.configure(new CommandLine(command));

  private TrainConfig parse(String line) {
    commandLine.parseArgs(line.isEmpty() ? new String[0] : line.split(" "));
    return TrainConfig.of(command.flags.given());
  }

  @Test
  void withoutFlagsThePresetStays() {
    assertThat(parse("")).isEqualTo(TrainConfig.of(Options.NONE));
  }

  static Stream<Setting<?>> others() {
    return TrainConfig.OPTIONS.stream()
        .filter(option -> !option.isInternal())
        .map(TrainFlagsTest::other);
  }

  /** A value other than the option's default. */
  private static <T> Setting<T> other(Option<?, T> option) {
    ValueType<T> type = option.type();
    return Stream.concat(
            type.choices().stream(),
            Stream.of("gpt2", "true", "false", "0.25", "2", "cuda:1", "8,1,4,32", "macbeth"))
        .flatMap(text -> type.parse(text).stream())
        .filter(value -> option.fallback().stream().noneMatch(value::equals))
        .map(option::set)
        .findFirst()
        .orElseThrow();
  }

  @ParameterizedTest
  @MethodSource("others")
  void everyOptionHasAFlag(Setting<?> setting) {
    String flag = Flags.NAMING.setting(setting);
    commandLine.parseArgs(flag.split(" "));

    assertThat(command.flags.given()).isEqualTo(Options.NONE.with(setting));
    assertThat(command.flags.machine().isEmpty())
        .isNotEqualTo(DeviceConfig.OPTIONS.contains(setting.option()));
  }

  @Test
  void flagNamesDoNotChange() {
    TrainConfig config =
        parse(
            "--data macbeth --tokenizer gpt2 --preset baby --kv-heads 1 --grad-accum 6"
                + " --min-lr 0.0005 --beta2 0.875 --no-tf32 --device cuda:1 --no-tied-head");

    assertThat(config)
        .isEqualTo(
            TrainConfig.of(
                Options.NONE
                    .with(DataConfig.DATA, "macbeth")
                    .with(DataConfig.TOKENIZER, TokenizerChoice.GPT2)
                    .with(TrainConfig.PRESET, Preset.BABY)
                    .with(GptConfig.KV_HEADS, 1)
                    .with(TrainingConfig.GRAD_ACCUM, 6)
                    .with(TrainingConfig.MIN_LR, 5e-4f)
                    .with(TrainingConfig.BETA2, 0.875f)
                    .with(DeviceConfig.TF32, false)
                    .with(DeviceConfig.DEVICE, new DeviceChoice(DeviceChoice.Kind.CUDA, 1))
                    .with(GptConfig.TIED_HEAD, false)));
  }

  @Test
  void biasCanBeTurnedOff() {
    assertThat(parse("--preset gpt2").model().bias()).isTrue();
    assertThat(parse("--preset gpt2 --no-bias").model().bias()).isFalse();
  }

  @Test
  void llamaIsADefaultThatOtherFlagsOverride() {
    TrainConfig llama = parse("--preset gpt2 --llama --tied-head");
    assertThat(llama)
        .isEqualTo(
            parse(
                "--preset gpt2 --positions rotary --norm rms --activation silu --gated-mlp"
                    + " --no-bias --tied-head"));
    assertThat(parse("--llama").model().tiedHead()).isFalse();
  }

  @ParameterizedTest
  @EnumSource
  void theFlagsOfAPaperGiveItsOptions(Paper paper) {
    String flags = TrainFlags.line(paper.options());
    assertThat(parse(flags)).isEqualTo(TrainConfig.of(paper.options()));
  }

  @Test
  void optionsBecomeShortFlags() {
    assertThat(TrainFlags.line(Options.NONE)).isEmpty();
    assertThat(TrainFlags.line(GptConfig.LLAMA)).isEqualTo("--llama");
    assertThat(TrainFlags.line(Paper.LLAMA.options())).isEqualTo("--llama --kv-heads 2");
    assertThat(TrainFlags.line(Paper.SOFTCAP.options())).isEqualTo("--no-tied-head --softcap 15");
    assertThat(TrainFlags.line(Options.NONE.with(TrainingConfig.LR, 1e-4f)))
        .isEqualTo("--lr 0.0001");
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
  void theHelpShowsThePresetsDefaults() {
    String help = commandLine.getUsageMessage().replaceAll("\\s+", " ");

    assertThat(help)
        .contains(
            "--batch=N Sequences per micro-step. Default: 12 (baby: 64, gpt2: 4)",
            "train makes one. Default: char (gpt2: gpt2)",
            "culebra info lists the devices. Default: auto",
            "Highest learning rate. Default: 0.001 (gpt2: 0.0006)",
            "Learning rate at the end. Default: a tenth of --lr",
            "Default: 100 (gpt2: 2000), at most a tenth of --steps",
            "--preset=NAME nano, baby, gpt2, gpt2-medium, gpt2-large or gpt2-xl: source of",
            "values that are not set. Default: nano --",
            "Biases in linear layers and layernorms. Default: no (gpt2: yes)")
        .doesNotContain("${", "null");
  }
}
