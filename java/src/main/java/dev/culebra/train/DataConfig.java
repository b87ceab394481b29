package dev.culebra.train;

import static dev.culebra.options.ValueType.SWITCH;
import static dev.culebra.options.ValueType.TEXT;

import dev.culebra.data.TokenizerChoice;
import dev.culebra.options.Option;
import dev.culebra.options.OptionException;
import dev.culebra.options.Options;
import dev.culebra.options.Range;
import java.util.List;

/** What a run reads. What a component means, its option says: {@link #DATA} and so on. */
public record DataConfig(String data, TokenizerChoice tokenizer, boolean skipUnknown) {
  public static final Option<DataConfig, String> DATA =
      Option.of("data", TEXT, DataConfig::data)
          .help(
              "NAME|PATH",
              "A corpus by name (see: culebra data list), a text file, a folder of them, a .bin of"
                  + " tokens, a .jsonl of {\"prompt\": …, \"completion\": …}, or addition or"
                  + " calculator: problems made on the fly (see: culebra data show calculator).")
          .range(Range.naming("a corpus or a file"))
          .otherwise("dickens");

  public static final Option<DataConfig, TokenizerChoice> TOKENIZER =
      Option.of("tokenizer", TokenizerChoice.TYPE, DataConfig::tokenizer)
          .help(
              "KIND|DIR",
              "char, gpt2, or a folder with a tokenizer: Hugging Face's, or one of culebra tokenizer"
                  + " train.")
          .otherwise(TokenizerChoice.CHAR);

  public static final Option<DataConfig, Boolean> SKIP_UNKNOWN =
      Option.of("skipUnknown", SWITCH, DataConfig::skipUnknown)
          .help("", "Finetuning on a text: leave out the characters that the model does not know.")
          .otherwise(false);

  public static final List<Option<DataConfig, ?>> OPTIONS = List.of(DATA, TOKENIZER, SKIP_UNKNOWN);

  /**
   * @throws OptionException with one line that names the value, if it is impossible
   */
  public DataConfig {
    DATA.require(data);
    TOKENIZER.require(tokenizer);
  }

  static DataConfig of(Options options) {
    return new DataConfig(
        options.value(DATA), options.value(TOKENIZER), options.value(SKIP_UNKNOWN));
  }
}
