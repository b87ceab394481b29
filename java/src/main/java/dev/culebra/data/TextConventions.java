package dev.culebra.data;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.MissingNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.culebra.io.AtomicFile;
import dev.culebra.text.Tokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;
import java.util.stream.IntStream;

/**
 * How a model's texts begin and end, from Hugging Face's {@code tokenizer_config.json} and {@code
 * generation_config.json}. A run that is finetuned from such a model keeps both files.
 *
 * @param beginning the token that a text begins with, if there is one
 * @param beginsPrompts whether prompts begin with it too
 * @param ends the tokens that end a text
 * @param chatTemplate the Jinja template for conversations; empty if there is none. It is kept for
 *     other programs and not executed; see {@link ChatFormat}
 */
public record TextConventions(
    OptionalInt beginning, boolean beginsPrompts, List<Integer> ends, String chatTemplate) {
  /** The tokenizer's part. */
  public static final String TOKENIZER_CONFIG = TokenizerFolder.CONFIG;

  /** The model's part. */
  public static final String GENERATION_CONFIG = "generation_config.json";

  private static final String TEMPLATE = "chat_template";
  private static final String TEMPLATE_FILE = "chat_template.jinja";
  private static final String BEGINS_PROMPTS = "add_bos_token";

  public TextConventions {
    ends = ends.stream().distinct().toList();
  }

  /** The default: a text ends with the token between documents. */
  public static TextConventions of(Tokenizer tokenizer) {
    List<Integer> ends = tokenizer.endOfText().stream().boxed().toList();
    return new TextConventions(OptionalInt.empty(), false, ends, "");
  }

  /**
   * Reads the files in {@code folder}.
   *
   * @param ends from the model's own configuration; {@code generation_config.json} overrides them
   * @throws DataException if a file names a token that does not exist
   * @throws IOException with one line that names the file, if one cannot be read
   */
  public static TextConventions read(Path folder, Tokenizer tokenizer, List<Integer> ends)
      throws IOException {
    return new Reading(folder, tokenizer).read(ends);
  }

  /** Reads the files of a folder. */
  private record Reading(Path folder, Tokenizer tokenizer) {
    TextConventions read(List<Integer> ends) throws IOException {
      JsonNode config = parse(TOKENIZER_CONFIG);
      JsonNode generation = parse(GENERATION_CONFIG);
      OptionalInt beginning = tokenOf(config.path("bos_token"));
      if (beginning.isEmpty() && generation.path("bos_token_id").isInt()) {
        beginning =
            OptionalInt.of(known(generation.get("bos_token_id").intValue(), GENERATION_CONFIG));
      }
      List<Integer> all = new ArrayList<>(ids(generation.path("eos_token_id"), ends));
      tokenizer.endOfText().ifPresent(all::add);
      return new TextConventions(
          beginning, beginning.isPresent() && beginsPrompts(config), all, template(config));
    }

    private JsonNode parse(String name) throws IOException {
      Path file = folder.resolve(name);
      return Files.exists(file) ? TokenizerFile.parse(file) : MissingNode.getInstance();
    }

    /** A special token is a string, or an object with its {@code content}. */
    private OptionalInt tokenOf(JsonNode token) {
      JsonNode content = token.isObject() ? token.path("content") : token;
      return content.isTextual() ? tokenizer.special(content.textValue()) : OptionalInt.empty();
    }

    /** One number, a list, or nothing: then those of the model's own configuration. */
    private List<Integer> ids(JsonNode given, List<Integer> otherwise) {
      if (!given.isInt() && !given.isArray()) {
        for (int id : otherwise) {
          known(id, "config.json");
        }
        return otherwise;
      }
      List<Integer> ids = new ArrayList<>();
      for (JsonNode id : given.isInt() ? List.of(given) : given) {
        ids.add(known(id.intValue(), GENERATION_CONFIG));
      }
      return ids;
    }

    private int known(int token, String name) {
      if (token < 0 || token >= tokenizer.vocab()) {
        throw new DataException(
            "%s names token %d, but the tokenizer has %d tokens"
                .formatted(folder.resolve(name), token, tokenizer.vocab()));
      }
      return token;
    }

    /** Either a flag says so, or a post-processor that puts a special token first. */
    private boolean beginsPrompts(JsonNode config) throws IOException {
      return config.has(BEGINS_PROMPTS)
          ? config.get(BEGINS_PROMPTS).asBoolean()
          : putsSpecialFirst(parse(TokenizerFile.NAME).path("post_processor"));
    }

    private static boolean putsSpecialFirst(JsonNode processor) {
      for (JsonNode part : processor.path("processors")) {
        if (putsSpecialFirst(part)) {
          return true;
        }
      }
      return processor.path("type").asText().equals("TemplateProcessing")
          && processor.path("single").path(0).has("SpecialToken");
    }

    /** From the configuration, where it may be the first of a named list, or from its own file. */
    private String template(JsonNode config) throws IOException {
      JsonNode template = config.path(TEMPLATE);
      if (template.isArray()) {
        template = template.path(0).path("template");
      }
      Path file = folder.resolve(TEMPLATE_FILE);
      if (template.isTextual()) {
        return template.textValue();
      }
      return Files.exists(file) ? TextFiles.of(file).readAll() : "";
    }
  }

  /** The tokens to start from when there is no prompt. */
  public int[] start(Tokenizer tokenizer) {
    return beginning.isPresent() ? new int[] {beginning.getAsInt()} : tokenizer.start();
  }

  /** Puts the beginning token before a prompt if it belongs there and is missing. */
  public int[] prompt(int[] tokens) {
    boolean missing = beginsPrompts && (tokens.length == 0 || tokens[0] != beginning.getAsInt());
    return missing
        ? IntStream.concat(IntStream.of(beginning.getAsInt()), IntStream.of(tokens)).toArray()
        : tokens;
  }

  /** A prompt as it was written: without the beginning token. */
  public String shown(int[] prompt, Tokenizer tokenizer) {
    boolean begins = beginning.isPresent() && prompt[0] == beginning.getAsInt();
    return tokenizer.decode(Arrays.copyOfRange(prompt, begins ? 1 : 0, prompt.length));
  }

  /** The same, with the token that ends texts as the beginning if there is none, as in GPT-2. */
  public TextConventions withBeginning(Tokenizer tokenizer) {
    return beginning.isPresent()
        ? this
        : new TextConventions(tokenizer.endOfText(), false, ends, chatTemplate);
  }

  /**
   * Writes both files; {@link #read} gives the same again.
   *
   * @throws IOException with one line that names the file, if one cannot be written
   */
  public void save(Tokenizer tokenizer, Path folder) throws IOException {
    AtomicFile.write(
        folder.resolve(TOKENIZER_CONFIG), TokenizerFile.write(tokenizerConfig(tokenizer)));
    AtomicFile.write(folder.resolve(GENERATION_CONFIG), TokenizerFile.write(generationConfig()));
  }

  JsonNode tokenizerConfig(Tokenizer tokenizer) {
    ObjectNode config = JsonNodeFactory.instance.objectNode();
    config.put("tokenizer_class", "PreTrainedTokenizerFast");
    config.put("clean_up_tokenization_spaces", false); // decoding gives the text
    beginning.ifPresent(token -> config.put("bos_token", tokenizer.decode(token)));
    tokenizer.endOfText().ifPresent(token -> config.put("eos_token", tokenizer.decode(token)));
    config.put(BEGINS_PROMPTS, beginsPrompts);
    if (!chatTemplate.isEmpty()) {
      config.put(TEMPLATE, chatTemplate);
    }
    return config;
  }

  private JsonNode generationConfig() {
    ObjectNode generation = JsonNodeFactory.instance.objectNode();
    beginning.ifPresent(token -> generation.put("bos_token_id", token));
    if (ends.size() == 1) {
      generation.put("eos_token_id", ends.getFirst());
    } else if (!ends.isEmpty()) {
      ArrayNode several = generation.putArray("eos_token_id");
      ends.forEach(several::add);
    }
    return generation;
  }
}
