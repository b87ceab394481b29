package dev.culebra.examples.cli;

import static java.util.stream.Collectors.joining;

import dev.culebra.data.TokenizerChoice;
import dev.culebra.data.TokenizerFolder;
import dev.culebra.examples.arithmetic.Arithmetic;
import dev.culebra.nn.GptConfig;
import dev.culebra.nn.Preset;
import dev.culebra.options.Option;
import dev.culebra.options.Options;
import dev.culebra.options.Setting;
import dev.culebra.options.ValueType;
import dev.culebra.text.TokenizerKind;
import dev.culebra.train.DataConfig;
import dev.culebra.train.DeviceConfig;
import dev.culebra.train.ReportConfig;
import dev.culebra.train.TrainConfig;
import dev.culebra.train.TrainingConfig;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import picocli.CommandLine.Model.ArgGroupSpec;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;

/**
 * The flags of a {@link TrainConfig}, and two shorthands: {@code --digits} and {@code --llama}.
 * Added to a command as the mixin {@link #spec}.
 */
final class TrainFlags {
  /** The tokenizers for new runs; the file of an old run may name one that no longer exists. */
  static final ValueType<TokenizerChoice> TOKENIZERS =
      ValueType.of(TokenizerChoice.class, TokenizerChoice.TYPE.expected(), TrainFlags::tokenizer);

  private final Flags flags = new Flags();
  private final List<Options> presets =
      Arrays.stream(Preset.values())
          .map(preset -> TrainConfig.of(Options.NONE.with(TrainConfig.PRESET, preset)).options())
          .toList();
  private final OptionSpec digits =
      OptionSpec.builder("--digits")
          .type(Integer.class)
          .paramLabel("N")
          .description("For addition and calculator: digits of the numbers. Default: 2")
          .build();
  private final OptionSpec llama =
      OptionSpec.builder("--llama")
          .type(boolean.class)
          .arity("0")
          .description(
              "Llama's block: %s; other flags override each of these."
                  .formatted(Flags.line(GptConfig.LLAMA)))
          .build();

  /** The flags, for {@code picocli.CommandLine.Mixin}. */
  CommandSpec spec() {
    return CommandSpec.create()
        .addArgGroup(group(10, "Data", DataConfig.OPTIONS, digits))
        .addArgGroup(group(20, "Model", GptConfig.OPTIONS, flag(TrainConfig.PRESET), llama))
        .addArgGroup(group(30, "Training", TrainingConfig.OPTIONS))
        .addArgGroup(group(40, "Reports", ReportConfig.OPTIONS))
        .addArgGroup(group(50, "Machine", DeviceConfig.OPTIONS));
  }

  private <R> ArgGroupSpec group(
      int order, String title, List<Option<R, ?>> options, OptionSpec... more) {
    ArgGroupSpec.Builder group =
        ArgGroupSpec.builder().exclusive(false).order(order).heading("%n" + title + ":%n");
    options.stream()
        .filter(option -> !option.isInternal())
        .forEach(option -> group.addArg(flag(option)));
    Arrays.stream(more).forEach(group::addArg);
    return group.build();
  }

  private OptionSpec flag(Option<?, ?> option) {
    return option == DataConfig.TOKENIZER
        ? flags.flag(DataConfig.TOKENIZER, TOKENIZERS, otherwise(option))
        : flags.flag(option, otherwise(option));
  }

  private static TokenizerChoice tokenizer(String text) {
    TokenizerChoice choice = TokenizerChoice.parse(text);
    boolean known =
        choice.path() == null
            ? choice.kind() != TokenizerKind.BPE
            : TokenizerFolder.exists(Path.of(choice.path()));
    if (!known) {
      throw new IllegalArgumentException(text);
    }
    return choice;
  }

  /** The settings as a command line has them: {@code --llama --kv-heads 2}. */
  static String line(Options options) {
    boolean isLlama = GptConfig.LLAMA.minus(options).isEmpty();
    String rest = Flags.line(isLlama ? options.minus(GptConfig.LLAMA) : options);
    return isLlama ? ("--llama " + rest).strip() : rest;
  }

  /**
   * The default of an option, such as {@code 12 (baby: 64, gpt2: 4)}: a preset that is not listed
   * has the value of the preset before it.
   */
  private String otherwise(Option<?, ?> option) {
    String rule = option.rule().in(Flags.NAMING);
    List<String> values = new ArrayList<>();
    String previous = null;
    for (Options preset : presets) {
      String value = text(preset, option);
      if (!value.equals(previous)) {
        values.add(previous == null ? value : preset.value(TrainConfig.PRESET) + ": " + value);
      }
      previous = value;
    }
    String first = values.removeFirst();
    String all =
        option == TrainConfig.PRESET || values.isEmpty()
            ? first
            : first + values.stream().collect(joining(", ", " (", ")"));
    return rule.isEmpty() ? all : option.fallback().isEmpty() ? rule : all + ", " + rule;
  }

  private static <T> String text(Options options, Option<?, T> option) {
    Setting<T> setting = option.set(options.value(option));
    return switch (setting.value()) {
      case Boolean on -> on ? "yes" : "no";
      case String none when none.isEmpty() -> "none";
      default -> setting.text();
    };
  }

  /**
   * The given values.
   *
   * @throws IllegalArgumentException with one line, if digits were given for other data
   */
  Options given() {
    Options given = flags.given();
    if (!llama.typedValues().isEmpty()) {
      given = GptConfig.LLAMA.with(given);
    }
    for (Object number : digits.typedValues()) {
      given = given.with(DataConfig.DATA, withDigits(given, (Integer) number));
    }
    return given;
  }

  private static String withDigits(Options given, int digits) {
    return given
        .find(DataConfig.DATA)
        .flatMap(Arithmetic.Kind::find)
        .map(kind -> new Arithmetic(kind, digits).name())
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    "--digits goes with --data addition or --data calculator only"));
  }

  /** The given values of the run itself. */
  Options task() {
    return given().only(option -> !DeviceConfig.OPTIONS.contains(option));
  }

  /** The given values of the device. */
  Options machine() {
    return given().only(DeviceConfig.OPTIONS::contains);
  }
}
