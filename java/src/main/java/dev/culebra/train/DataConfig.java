package dev.culebra.train;

import static dev.culebra.options.ValueType.SWITCH;
import static dev.culebra.options.ValueType.TEXT;

import dev.culebra.data.TokenizerChoice;
import dev.culebra.options.Option;
import dev.culebra.options.OptionException;
import dev.culebra.options.Options;
import dev.culebra.options.Range;
import java.util.List;

/** What a run reads. Each component is described by its option: {@link #DATA} and so on. */
public record DataConfig(String data, TokenizerChoice tokenizer, boolean skipUnknown) {
  public static final Option<DataConfig, String> DATA =
      Option.of("data", TEXT, DataConfig::data)
          .help(
              "NAME|PATH",
              "A corpus by name (culebra data list shows them), a text file, a folder of text files,"
                  + " a .bin of tokens, a .jsonl of {\"prompt\": …, \"completion\": …}, or addition or"
                  + " calculator: problems generated on the fly (culebra data show calculator prints"
                  + " some).")
          .range(Range.naming("a corpus or a file"))
          .otherwise("dickens");

  public static final Option<DataConfig, TokenizerChoice> TOKENIZER =
      Option.of("tokenizer", TokenizerChoice.TYPE, DataConfig::tokenizer)
          .help(
              "KIND|DIR",
              "char, gpt2, or a folder with a tokenizer from Hugging Face or from culebra tokenizer"
                  + " train.")
          .otherwise(TokenizerChoice.CHAR);

  public static final Option<DataConfig, Boolean> SKIP_UNKNOWN =
      Option.of("skipUnknown", SWITCH, DataConfig::skipUnknown)
          .help("", "When finetuning on a text: skip the characters that the model does not know.")
          .otherwise(false);

  public static final List<Option<DataConfig, ?>> OPTIONS = List.of(DATA, TOKENIZER, SKIP_UNKNOWN);

  /**
   * @throws OptionException with one line that names the value, if it is invalid
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
