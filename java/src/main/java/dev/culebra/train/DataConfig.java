package dev.culebra.train;

import static dev.culebra.options.ValueType.NUMBER;
import static dev.culebra.options.ValueType.SWITCH;
import static dev.culebra.options.ValueType.TEXT;
import static dev.culebra.options.ValueType.oneOf;

import dev.culebra.data.DataSpec;
import dev.culebra.data.Holdout;
import dev.culebra.data.TokenizerChoice;
import dev.culebra.options.Option;
import dev.culebra.options.OptionException;
import dev.culebra.options.Options;
import dev.culebra.options.Range;
import java.util.List;

/** What a run reads. Each component is described by its option: {@link #DATA} and so on. */
public record DataConfig(
    String data,
    TokenizerChoice tokenizer,
    boolean skipUnknown,
    boolean special,
    float valFraction,
    Holdout.Rule valSplit,
    String valData) {
  public static final Option<DataConfig, String> DATA =
      Option.of("data", TEXT, DataConfig::data)
          .help(
              "NAME|PATH",
              "A corpus by name, a text file, a folder of text files, a .bin of tokens, a folder of"
                  + " shards (x_train_1.bin, x_val_0.bin), a quoted pattern for several files, or a"
                  + " .jsonl of {\"text\": …}, of {\"prompt\": …, \"completion\": …} or of"
                  + " {\"messages\": …}.")
          .range(Range.naming("a corpus or a file"))
          .otherwise("dickens");

  public static final Option<DataConfig, TokenizerChoice> TOKENIZER =
      Option.of("tokenizer", TokenizerChoice.TYPE, DataConfig::tokenizer)
          .help(
              "KIND|DIR",
              "char, gpt2, or a folder with a tokenizer, such as one of Hugging Face's.")
          .otherwise(TokenizerChoice.CHAR);

  public static final Option<DataConfig, Boolean> SKIP_UNKNOWN =
      Option.of("skipUnknown", SWITCH, DataConfig::skipUnknown)
          .help("", "When finetuning on a text: skip the characters that the model does not know.")
          .otherwise(false);

  public static final Option<DataConfig, Boolean> SPECIAL =
      Option.of("special", SWITCH, DataConfig::special)
          .help(
              "",
              "Recognise special tokens in texts, such as <|endoftext|>; otherwise they are ordinary"
                  + " text.")
          .otherwise(false);

  public static final Option<DataConfig, Float> VAL_FRACTION =
      Option.of("valFraction", NUMBER, DataConfig::valFraction)
          .help("X", "How much of the data is for validation.")
          .range(Range.part())
          .otherwise(Holdout.DEFAULT.fraction());

  public static final Option<DataConfig, Holdout.Rule> VAL_SPLIT =
      Option.of("valSplit", oneOf(Holdout.Rule.class), DataConfig::valSplit)
          .help(
              "HOW",
              "The validation part is the end of every file, whole documents (files, lines of a"
                  + " .jsonl) drawn at random, or the end of all; the same in every run.")
          .otherwise(Holdout.DEFAULT.rule());

  public static final Option<DataConfig, String> VAL_DATA =
      Option.of("valData", TEXT, DataConfig::valData)
          .help("NAME|PATH", "Other data to validate on; all of %s is then trained on.", DATA)
          .otherwise(Holdout.DEFAULT.data());

  public static final List<Option<DataConfig, ?>> OPTIONS =
      List.of(DATA, TOKENIZER, SKIP_UNKNOWN, SPECIAL, VAL_FRACTION, VAL_SPLIT, VAL_DATA);

  /**
   * @throws OptionException with one line that names the value, if it is invalid
   */
  public DataConfig {
    DATA.require(data);
    TOKENIZER.require(tokenizer);
    VAL_FRACTION.require(valFraction);
    VAL_SPLIT.require(valSplit);
    VAL_DATA.require(valData);
  }

  static DataConfig of(Options options) {
    return new DataConfig(
        options.value(DATA),
        options.value(TOKENIZER),
        options.value(SKIP_UNKNOWN),
        options.value(SPECIAL),
        options.value(VAL_FRACTION),
        options.value(VAL_SPLIT),
        options.value(VAL_DATA));
  }

  /** The data and how it is read. */
  public DataSpec spec() {
    return new DataSpec(data, new Holdout(valSplit, valFraction, valData), special, skipUnknown);
  }
}
