package dev.culebra.data;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.culebra.text.AddedToken;
import dev.culebra.text.BpeDefinition;
import dev.culebra.text.BpeDefinition.Merge;
import dev.culebra.text.BpeTokenizer;
import dev.culebra.text.CharTokenizer;
import dev.culebra.text.PreTokenizer;
import dev.culebra.text.Tokenizer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;

/**
 * Byte-level BPE in Hugging Face's {@code tokenizer.json}. Features that would give tokens other
 * than {@link BpeTokenizer}'s are rejected; parts that only add tokens around a text (the
 * post-processor), truncate or pad it are ignored.
 */
final class HuggingFaceTokenizer {
  static final String GPT2_END_OF_TEXT = "<|endoftext|>";

  /** Names of the token between documents, in the order of the search. */
  private static final List<String> ENDS_OF_TEXT =
      List.of(GPT2_END_OF_TEXT, "<|end_of_text|>", "</s>", "<eos>");

  /** Marks an added token that is not in {@link #ENDS_OF_TEXT}; other readers ignore it. */
  private static final String END_OF_TEXT = "end_of_text";

  private static final String FUSE = "Fuse";
  private static final String SPLIT = "Split";
  private static final String BYTE_LEVEL = "ByteLevel";
  private static final String SEQUENCE = "Sequence";
  private static final int MAX_VOCAB = 1 << 24;

  private final Path file;

  /** Reads the content of {@code file}, or parts of it. */
  HuggingFaceTokenizer(Path file) {
    this.file = file;
  }

  /** Whether JSON has this format, or at least none of our other formats. */
  static boolean matches(JsonNode json) {
    return json.has("model");
  }

  /**
   * Reads the content of {@code file}.
   *
   * @throws TokenizerFormatException if it is not byte-level BPE or an unknown variant
   */
  static Tokenizer read(Path file, JsonNode json) throws TokenizerFormatException {
    return new HuggingFaceTokenizer(file).read(json);
  }

  private Tokenizer read(JsonNode json) throws TokenizerFormatException {
    JsonNode model = json.path("model");
    requireKnown(model);
    String decoder = type(json.path("decoder"));
    if (decoder.equals(FUSE) && model.path("merges").isEmpty()) {
      return characters(json);
    }
    if (!decoder.equals(BYTE_LEVEL)) {
      throw bad("its decoder is %s: only ByteLevel is known".formatted(decoder));
    }
    Map<String, Integer> vocabulary = vocabulary(model.path("vocab"));
    List<AddedToken> added = added(json.path("added_tokens"));
    return tokenizer(
        new BpeDefinition(
            tokens(vocabulary),
            merges(pairs(model.path("merges")), vocabulary),
            added,
            preTokenizer(json.path("pre_tokenizer")),
            isNfc(json.path("normalizer")),
            model.path("ignore_merges").asBoolean(),
            endOfText(json.path("added_tokens"), added)));
  }

  /** What {@link #json(CharTokenizer)} writes: BPE that merges nothing. */
  private CharTokenizer characters(JsonNode json) throws TokenizerFormatException {
    List<String> tokens = tokens(vocabulary(json.path("model").path("vocab")));
    for (String token : tokens) {
      if (token == null || token.codePointCount(0, token.length()) != 1) {
        throw bad("it merges nothing, but not all of its tokens are characters");
      }
    }
    try {
      return CharTokenizer.ofVocabulary(
          tokens.stream().mapToInt(token -> token.codePointAt(0)).toArray());
    } catch (IllegalArgumentException e) {
      throw bad(e.getMessage());
    }
  }

  BpeTokenizer tokenizer(BpeDefinition definition) throws TokenizerFormatException {
    try {
      return new BpeTokenizer(definition);
    } catch (IllegalArgumentException e) {
      throw bad(e.getMessage());
    }
  }

  private void requireKnown(JsonNode model) throws TokenizerFormatException {
    String type = model.path("type").asText("BPE"); // missing in files of old versions
    if (!type.equals("BPE")) {
      throw bad("its model is %s: only byte-level BPE is known".formatted(type));
    }
    for (String field : List.of("byte_fallback", "fuse_unk")) {
      if (model.path(field).asBoolean()) {
        throw bad("its \"%s\" is true: only byte-level BPE is known".formatted(field));
      }
    }
    for (String field : List.of("continuing_subword_prefix", "end_of_word_suffix")) {
      if (!model.path(field).asText("").isEmpty() && !model.path(field).isNull()) {
        throw bad("its \"%s\" is not known".formatted(field));
      }
    }
  }

  Map<String, Integer> vocabulary(JsonNode vocab) throws TokenizerFormatException {
    if (!vocab.isObject()) {
      throw bad("its \"vocab\" must be an object of tokens and their numbers");
    }
    Map<String, Integer> vocabulary = new HashMap<>();
    for (Map.Entry<String, JsonNode> entry : vocab.properties()) {
      vocabulary.put(entry.getKey(), id(entry.getValue(), entry.getKey()));
    }
    return vocabulary;
  }

  private int id(JsonNode number, String token) throws TokenizerFormatException {
    if (!number.canConvertToInt()
        || !number.isIntegralNumber()
        || number.intValue() < 0
        || number.intValue() >= MAX_VOCAB) {
      throw bad(
          "the number of its token \"%s\" must be from 0 to %d, not %s"
              .formatted(token, MAX_VOCAB - 1, number));
    }
    return number.intValue();
  }

  /** The tokens by number; null for gaps. */
  List<String> tokens(Map<String, Integer> vocabulary) throws TokenizerFormatException {
    int size = vocabulary.values().stream().mapToInt(id -> id + 1).max().orElse(0);
    String[] tokens = new String[size];
    for (Map.Entry<String, Integer> entry : vocabulary.entrySet()) {
      if (tokens[entry.getValue()] != null) {
        throw bad("two tokens have the number " + entry.getValue());
      }
      tokens[entry.getValue()] = entry.getKey();
    }
    return Arrays.asList(tokens);
  }

  /** Each merge is a pair of tokens, or in older files a string with a space between them. */
  private List<String[]> pairs(JsonNode list) throws TokenizerFormatException {
    if (!list.isArray()) {
      throw bad("its \"merges\" must be a list");
    }
    List<String[]> pairs = new ArrayList<>(list.size());
    for (JsonNode merge : list) {
      pairs.add(
          merge.isArray() && merge.size() == 2
              ? new String[] {merge.get(0).asText(), merge.get(1).asText()}
              : merge.asText().split(" ", -1));
    }
    return pairs;
  }

  List<Merge> merges(List<String[]> pairs, Map<String, Integer> vocabulary)
      throws TokenizerFormatException {
    List<Merge> merges = new ArrayList<>(pairs.size());
    for (String[] pair : pairs) {
      merges.add(merge(pair, merges.size(), vocabulary));
    }
    return merges;
  }

  private Merge merge(String[] pair, int number, Map<String, Integer> vocabulary)
      throws TokenizerFormatException {
    if (pair.length != 2) {
      throw bad("merge %d is not a pair of tokens".formatted(number));
    }
    Integer left = vocabulary.get(pair[0]);
    Integer right = vocabulary.get(pair[1]);
    Integer token = vocabulary.get(pair[0] + pair[1]);
    if (left == null || right == null || token == null) {
      throw bad(
          "merge %d, of \"%s\" and \"%s\", is of tokens that its vocabulary lacks"
              .formatted(number, pair[0], pair[1]));
    }
    return new Merge(left, right, token);
  }

  private List<AddedToken> added(JsonNode list) throws TokenizerFormatException {
    List<AddedToken> added = new ArrayList<>();
    for (JsonNode token : list) {
      String content = token.path("content").asText();
      for (String field : List.of("single_word", "lstrip", "rstrip")) {
        if (token.path(field).asBoolean()) {
          throw bad("the \"%s\" of its token \"%s\" is not known".formatted(field, content));
        }
      }
      if (content.isEmpty()) {
        throw bad("one of its \"added_tokens\" has no content");
      }
      added.add(
          new AddedToken(
              id(token.path("id"), content), content, token.path("special").asBoolean()));
    }
    return added;
  }

  private static OptionalInt endOfText(JsonNode list, List<AddedToken> added) {
    for (int i = 0; i < added.size(); i++) {
      if (list.get(i).path(END_OF_TEXT).asBoolean()) {
        return OptionalInt.of(added.get(i).id());
      }
    }
    return endOfText(added);
  }

  /** The token between documents, by its name. */
  static OptionalInt endOfText(List<AddedToken> added) {
    return ENDS_OF_TEXT.stream()
        .flatMap(name -> added.stream().filter(token -> token.content().equals(name)))
        .mapToInt(AddedToken::id)
        .findFirst();
  }

  private boolean isNfc(JsonNode normalizer) throws TokenizerFormatException {
    String type = type(normalizer);
    if (type.equals(SEQUENCE) && normalizer.path("normalizers").size() <= 1) {
      return isNfc(normalizer.path("normalizers").path(0));
    }
    if (!type.equals("none") && !type.equals("NFC")) {
      throw bad("its normalizer is %s: only NFC is known".formatted(type));
    }
    return type.equals("NFC");
  }

  private PreTokenizer preTokenizer(JsonNode json) throws TokenizerFormatException {
    for (PreTokenizer preTokenizer : PreTokenizer.values()) {
      if (isOf(preTokenizer, json)) {
        return preTokenizer;
      }
    }
    throw bad(
        "its pre-tokenizer %s is not known: those of %s are"
            .formatted(json, Arrays.toString(PreTokenizer.values())));
  }

  private static boolean isOf(PreTokenizer preTokenizer, JsonNode json) {
    JsonNode parts = json.path("pretokenizers");
    return switch (preTokenizer) {
      case GPT2 -> isByteLevel(json, true);
      case LLAMA3, QWEN2 ->
          parts.size() == 2
              && isSplit(parts.get(0), preTokenizer.pattern())
              && isByteLevel(parts.get(1), false);
      case SMOLLM ->
          parts.size() == 2
              && type(parts.get(0)).equals("Digits")
              && parts.get(0).path("individual_digits").asBoolean()
              && isByteLevel(parts.get(1), true);
    };
  }

  private static boolean isByteLevel(JsonNode json, boolean divides) {
    return type(json).equals(BYTE_LEVEL)
        && !json.path("add_prefix_space").asBoolean(true)
        && json.path("use_regex").asBoolean(true) == divides;
  }

  private static boolean isSplit(JsonNode json, String pattern) {
    return type(json).equals(SPLIT)
        && json.path("pattern").path("Regex").asText().equals(pattern)
        && json.path("behavior").asText().equals("Isolated")
        && !json.path("invert").asBoolean();
  }

  private static String type(JsonNode json) {
    return json.path("type").asText("none");
  }

  private TokenizerFormatException bad(String fault) {
    return new TokenizerFormatException(file, fault);
  }

  /**
   * A character tokenizer in Hugging Face's format: BPE of characters instead of bytes, without
   * merges.
   */
  static ObjectNode json(CharTokenizer characters) {
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    json.put("version", "1.0").putNull("truncation").putNull("padding");
    json.putArray("added_tokens");
    for (String none : List.of("normalizer", "pre_tokenizer", "post_processor")) {
      json.putNull(none);
    }
    json.putObject("decoder").put("type", FUSE);
    ObjectNode model = emptyModel();
    model.put("ignore_merges", false);
    ObjectNode vocabulary = model.putObject("vocab");
    int[] all = characters.vocabulary();
    for (int token = 0; token < all.length; token++) {
      vocabulary.put(Character.toString(all[token]), token);
    }
    model.putArray("merges");
    json.set("model", model);
    return json;
  }

  /** The JSON of a tokenizer, from which {@link #read} reads an equal one. */
  static ObjectNode json(BpeDefinition definition) {
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    json.put("version", "1.0").putNull("truncation").putNull("padding");
    ArrayNode added = json.putArray("added_tokens");
    boolean named = definition.endOfText().equals(endOfText(definition.added()));
    for (AddedToken token : definition.added()) {
      ObjectNode entry = added.addObject().put("id", token.id()).put("content", token.content());
      for (String field : List.of("single_word", "lstrip", "rstrip", "normalized")) {
        entry.put(field, false);
      }
      entry.put("special", token.special());
      if (!named && definition.endOfText().equals(OptionalInt.of(token.id()))) {
        entry.put(END_OF_TEXT, true);
      }
    }
    if (definition.nfc()) {
      json.putObject("normalizer").put("type", "NFC");
    } else {
      json.putNull("normalizer");
    }
    json.set("pre_tokenizer", json(definition.preTokenizer()));
    json.putNull("post_processor");
    json.set("decoder", byteLevel(true, true));
    json.set("model", model(definition));
    return json;
  }

  private static ObjectNode json(PreTokenizer preTokenizer) {
    if (preTokenizer == PreTokenizer.GPT2) {
      return byteLevel(false, true);
    }
    ObjectNode sequence = JsonNodeFactory.instance.objectNode().put("type", SEQUENCE);
    ArrayNode parts = sequence.putArray("pretokenizers");
    if (preTokenizer == PreTokenizer.SMOLLM) {
      parts.addObject().put("type", "Digits").put("individual_digits", true);
      parts.add(byteLevel(false, true));
      return sequence;
    }
    ObjectNode split = parts.addObject().put("type", SPLIT);
    split.putObject("pattern").put("Regex", preTokenizer.pattern());
    split.put("behavior", "Isolated").put("invert", false);
    parts.add(byteLevel(false, false));
    return sequence;
  }

  private static ObjectNode byteLevel(boolean addPrefixSpace, boolean divides) {
    return JsonNodeFactory.instance
        .objectNode()
        .put("type", BYTE_LEVEL)
        .put("add_prefix_space", addPrefixSpace)
        .put("trim_offsets", true)
        .put("use_regex", divides);
  }

  private static ObjectNode emptyModel() {
    ObjectNode model = JsonNodeFactory.instance.objectNode().put("type", "BPE");
    for (String field :
        List.of("dropout", "unk_token", "continuing_subword_prefix", "end_of_word_suffix")) {
      model.putNull(field);
    }
    return model.put("fuse_unk", false).put("byte_fallback", false);
  }

  private static ObjectNode model(BpeDefinition definition) {
    ObjectNode model = emptyModel();
    model.put("ignore_merges", definition.wholeWordsFirst());
    ObjectNode vocabulary = model.putObject("vocab");
    List<String> tokens = definition.tokens();
    for (int id = 0; id < tokens.size(); id++) {
      if (tokens.get(id) != null) {
        vocabulary.put(tokens.get(id), id);
      }
    }
    ArrayNode merges = model.putArray("merges");
    for (Merge merge : definition.merges()) {
      merges.addArray().add(tokens.get(merge.left())).add(tokens.get(merge.right()));
    }
    return model;
  }
}
