package dev.culebra.data;

import dev.culebra.io.AtomicFile;
import dev.culebra.io.FileErrors;
import dev.culebra.text.AddedToken;
import dev.culebra.text.BpeDefinition;
import dev.culebra.text.BpeTokenizer;
import dev.culebra.text.ByteAlphabet;
import dev.culebra.text.CharTokenizer;
import dev.culebra.text.Gpt2Tokenizer;
import dev.culebra.text.Tokenizer;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;

/**
 * llm.c's {@code gpt2_tokenizer.bin}: a header of 256 32-bit integers (magic, version, number of
 * tokens and, since version 2, the token that ends a text), then for each token one byte with its
 * length, and its bytes. llm.c only decodes with it, so the merges are not stored. They are
 * recovered from the order of the tokens, as GPT-2's BPE learned them; tokens that are all single
 * characters give a character tokenizer.
 */
public final class LlmCTokenizer {
  /** The file name that llm.c uses. */
  public static final String NAME = "gpt2_tokenizer.bin";

  private static final int MAGIC = 20240328;
  private static final int VERSION = 2;
  private static final int HEADER = 256;
  private static final int LONGEST = 255;
  private static final int MAX_VOCAB = 1 << 24;

  private LlmCTokenizer() {}

  /**
   * Reads a file.
   *
   * @throws TokenizerFormatException if it is not such a file, or its tokens are neither those of a
   *     byte-level BPE nor characters
   * @throws IOException with one line that names the file, if it cannot be read
   */
  public static Tokenizer read(Path file) throws IOException {
    ByteBuffer bytes = bytes(file);
    int version = bytes.getInt(Integer.BYTES);
    int vocab = bytes.getInt(2 * Integer.BYTES);
    if (version != 1 && version != VERSION) {
      throw new TokenizerFormatException(
          file, "it has version %d; only 1 and 2 can be read".formatted(version));
    }
    if (vocab < 1 || vocab > MAX_VOCAB) {
      throw new TokenizerFormatException(file, "its header claims %d tokens".formatted(vocab));
    }
    OptionalInt end =
        version == 1
            ? vocab == new Gpt2Tokenizer().vocab()
                ? OptionalInt.of(Gpt2Tokenizer.END_OF_TEXT)
                : OptionalInt.empty()
            : OptionalInt.of(bytes.getInt(3 * Integer.BYTES));
    bytes.position(HEADER * Integer.BYTES);
    List<byte[]> tokens = new ArrayList<>();
    while (tokens.size() < vocab) {
      int length = bytes.hasRemaining() ? Byte.toUnsignedInt(bytes.get()) : 0;
      if (length == 0 || length > bytes.remaining()) {
        throw new TokenizerFormatException(file, "it is cut off or damaged");
      }
      byte[] token = new byte[length];
      bytes.get(token);
      tokens.add(token);
    }
    OptionalInt known = end.stream().filter(token -> token >= 0 && token < vocab).findFirst();
    return tokenizer(file, tokens, known);
  }

  private static ByteBuffer bytes(Path file) throws IOException {
    try {
      ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
      if (bytes.remaining() < HEADER * Integer.BYTES || bytes.getInt(0) != MAGIC) {
        throw new TokenizerFormatException(file, "it is not a tokenizer file of llm.c");
      }
      return bytes;
    } catch (TokenizerFormatException e) {
      throw e;
    } catch (IOException e) {
      throw new IOException("cannot read " + file + ": " + FileErrors.reason(e), e);
    }
  }

  private static Tokenizer tokenizer(Path file, List<byte[]> bytes, OptionalInt end)
      throws TokenizerFormatException {
    List<String> texts =
        bytes.stream().map(token -> new String(token, StandardCharsets.UTF_8)).toList();
    if (texts.stream().allMatch(text -> text.codePointCount(0, text.length()) == 1)
        && texts.stream().distinct().count() == texts.size()
        && texts.size() != HEADER) {
      return CharTokenizer.ofVocabulary(
          texts.stream().mapToInt(text -> text.codePointAt(0)).toArray());
    }
    List<String> tokens = bytes.stream().map(ByteAlphabet::written).toList();
    List<AddedToken> added = new ArrayList<>();
    if (end.isPresent()) {
      added.add(new AddedToken(end.getAsInt(), texts.get(end.getAsInt()), true));
    }
    Gpt2Tokenizer gpt2 = new Gpt2Tokenizer();
    if (tokens.equals(gpt2.tokens())) {
      return gpt2;
    }
    try {
      return new BpeTokenizer(BpeDefinition.ofRanks(tokens, added, end));
    } catch (IllegalArgumentException e) {
      throw new TokenizerFormatException(file, e.getMessage());
    }
  }

  /**
   * Writes a file of version 2.
   *
   * @throws DataException if a token has no bytes or more than 255
   * @throws IOException with one line that names the file, if it cannot be written
   */
  public static void save(Tokenizer tokenizer, Path file) throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    int[] header = new int[HEADER];
    header[0] = MAGIC;
    header[1] = VERSION;
    header[2] = tokenizer.vocab();
    header[3] = tokenizer.endOfText().orElse(-1);
    ByteBuffer bytes = ByteBuffer.allocate(HEADER * Integer.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    Arrays.stream(header).forEach(bytes::putInt);
    out.write(bytes.array());
    for (int token = 0; token < tokenizer.vocab(); token++) {
      byte[] content = tokenizer.bytes(token);
      if (content.length == 0 || content.length > LONGEST) {
        throw new DataException(
            "token %d has %d bytes; %s allows 1 to %d"
                .formatted(token, content.length, NAME, LONGEST));
      }
      out.write(content.length);
      out.write(content);
    }
    AtomicFile.write(file, out.toByteArray());
  }
}
