package dev.culebra.examples.cli;

import dev.culebra.options.Naming;
import dev.culebra.options.Option;
import dev.culebra.options.Options;
import dev.culebra.options.Setting;
import dev.culebra.options.ValueType;
import dev.culebra.options.Worded;
import dev.culebra.options.Wording;
import dev.culebra.train.DataConfig;
import dev.culebra.train.DeviceConfig;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.TypeConversionException;

/**
 * The library's options as flags of a command: {@code kvHeads} is {@code --kv-heads N}, {@code
 * bias} is {@code --bias} and {@code --no-bias}.
 */
final class Flags {
  /** Option names on the command line: {@code --kv-heads}, {@code --kv-heads 2}. */
  static final Naming NAMING = new Names();

  /** What the library's help does not know: commands, and the data that only they have. */
  private static final Map<Option<?, ?>, String> COMMANDS =
      Map.of(
          DataConfig.DATA,
          " Also addition and calculator: problems generated on the fly (culebra data show calculator"
              + " prints some). culebra data list shows all names.",
          DataConfig.TOKENIZER,
          " culebra tokenizer train makes one.",
          DeviceConfig.DEVICE,
          " culebra info lists the devices.");

  private final Map<Option<?, ?>, OptionSpec> flags = new LinkedHashMap<>();

  /** The values given in the last command line. */
  Options given() {
    Options given = Options.NONE;
    for (Map.Entry<Option<?, ?>, OptionSpec> flag : flags.entrySet()) {
      for (Object value : flag.getValue().typedValues()) {
        given = given.with(setting(flag.getKey(), value));
      }
    }
    return given;
  }

  private static <T> Setting<T> setting(Option<?, T> option, Object value) {
    return option.set(option.type().values().cast(value));
  }

  /**
   * The flag of an option.
   *
   * @param otherwise the end of its help: the default
   */
  <T> OptionSpec flag(Option<?, T> option, String otherwise) {
    return flag(option, option.type(), otherwise);
  }

  /**
   * The flag of an option.
   *
   * @param type the values that may be given
   */
  <T> OptionSpec flag(Option<?, T> option, ValueType<T> type, String otherwise) {
    OptionSpec.Builder flag =
        OptionSpec.builder(NAMING.name(option))
            .type(type.values())
            .description(picocli(help(option) + " Default: " + otherwise));
    if (type.values() == Boolean.class) {
      flag.arity("0").negatable(true);
    } else {
      flag.arity("1")
          .paramLabel(option.placeholder())
          .completionCandidates(type.choices())
          .converters(text -> parse(type, text));
    }
    OptionSpec made = flag.build();
    flags.put(option, made);
    return made;
  }

  /** The flag of an option whose value does not depend on a preset. */
  <T> OptionSpec withFallback(Option<?, T> option) {
    return flag(option, option.type().text(option.fallback().orElseThrow()));
  }

  private static <T> T parse(ValueType<T> type, String text) {
    return type.parse(text)
        .orElseThrow(
            () -> new TypeConversionException("'%s' is not %s".formatted(text, type.expected())));
  }

  private static String help(Option<?, ?> option) {
    String help = option.help().in(NAMING) + COMMANDS.getOrDefault(option, "");
    List<String> choices = option.type().choices();
    return choices.isEmpty() ? help : oneOf(choices) + ": " + lowerFirst(help);
  }

  private static String oneOf(List<String> choices) {
    int last = choices.size() - 1;
    return String.join(", ", choices.subList(0, last)) + " or " + choices.get(last);
  }

  private static String lowerFirst(String text) {
    return text.substring(0, 1).toLowerCase(Locale.ROOT) + text.substring(1);
  }

  /** Escapes text for picocli, whose descriptions are format strings. */
  static String picocli(String text) {
    return text.replace("%", "%%");
  }

  /** The settings as flags: {@code --layers 4 --no-bias}. */
  static String line(Options options) {
    return new Wording("%s", options).in(NAMING);
  }

  /** The message of an exception, with options named by their flags. */
  static String message(Throwable error) {
    return error instanceof Worded worded ? worded.wording().in(NAMING) : error.getMessage();
  }

  private static final class Names implements Naming {
    @Override
    public String name(Option<?, ?> option) {
      return "--" + option.name('-');
    }

    @Override
    public String setting(Setting<?> setting) {
      return switch (setting.value()) {
        case Boolean on -> (on ? "--" : "--no-") + setting.option().name('-');
        default -> Naming.super.setting(setting);
      };
    }
  }
}
