package dev.culebra.data;

import dev.culebra.text.TokenEncoder;
import dev.culebra.text.Tokenizer;
import java.io.IOException;
import java.util.OptionalInt;

/**
 * Encodes documents one after another, with the tokenizer's end of text between them. Where it has
 * none, as with characters, they are one text. Not thread-safe.
 */
final class DocumentEncoder implements TextSource.Sink {
  /** Takes tokens in their order. */
  @FunctionalInterface
  interface Out {
    void add(int... tokens) throws IOException;
  }

  private final Out out;
  private final OptionalInt endOfText;
  private final TokenEncoder encoder;
  private boolean ended;

  /**
   * Encodes to {@code out}.
   *
   * @param special whether special tokens are recognised in the text
   */
  DocumentEncoder(Tokenizer tokenizer, boolean special, Out out) {
    this.out = out;
    this.endOfText = tokenizer.endOfText();
    this.encoder = special ? tokenizer.specialEncoder() : tokenizer.encoder();
  }

  @Override
  public void accept(String piece) throws IOException {
    if (ended && !piece.isEmpty()) {
      out.add(encoder.finish());
      out.add(endOfText.getAsInt());
      ended = false;
    }
    out.add(encoder.accept(piece));
  }

  @Override
  public void endDocument() {
    ended = endOfText.isPresent();
  }

  /** Encodes what was held back; the last document ends here. */
  void finish() throws IOException {
    out.add(encoder.finish());
  }
}
