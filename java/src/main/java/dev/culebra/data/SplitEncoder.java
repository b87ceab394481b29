package dev.culebra.data;

import dev.culebra.text.TokenEncoder;
import dev.culebra.text.Tokenizer;
import java.io.IOException;
import java.util.OptionalInt;

/**
 * Encodes documents one after another, with the tokenizer's end of text between them, and divides
 * them into a training and a validation part. If the tokenizer has no end of text, as with
 * characters, the documents of a file are one text. Not thread-safe.
 *
 * <p>All tokens of a unit (by the {@link Holdout}: a file, a document, or everything) go to the
 * training part first; at its end, when their number is known, some of them move.
 */
final class SplitEncoder implements TextSource.Sink {
  private static final int PIECE = 1 << 16;

  private final Holdout holdout;
  private final TokenStore train;
  private final TokenStore validation;
  private final OptionalInt endOfText;
  private final TokenEncoder encoder;

  /** Where the unit begins in the training part, with any end of text before it. */
  private long unitStart;

  /** Where its own tokens begin. */
  private long textStart;

  private boolean unitOpen;
  private boolean documentOpen;
  private long units;

  /**
   * Encodes to {@code train} and {@code validation}.
   *
   * @param special whether special tokens are recognised in the text
   * @param holdout nothing is held out if the validation part is other data
   */
  SplitEncoder(
      Tokenizer tokenizer,
      boolean special,
      Holdout holdout,
      TokenStore train,
      TokenStore validation) {
    this.holdout = holdout;
    this.train = train;
    this.validation = validation;
    this.endOfText = tokenizer.endOfText();
    this.encoder = special ? tokenizer.specialEncoder() : tokenizer.encoder();
  }

  @Override
  public void accept(String piece) throws IOException {
    if (!piece.isEmpty()) {
      begin();
      train.add(encoder.accept(piece));
    }
  }

  private void begin() throws IOException {
    if (!unitOpen) {
      unitStart = train.size();
      separate(train);
      textStart = train.size();
      unitOpen = true;
    } else if (!documentOpen) {
      separate(train);
    }
    documentOpen = true;
  }

  private void separate(TokenStore part) throws IOException {
    if (endOfText.isPresent() && part.size() > 0) {
      part.add(endOfText.getAsInt());
    }
  }

  @Override
  public void endDocument() throws IOException {
    if (endOfText.isPresent() && documentOpen) {
      train.add(encoder.finish());
      documentOpen = false;
    }
    if (holdout.rule() == Holdout.Rule.DOCUMENTS) {
      endUnit();
    }
  }

  @Override
  public void endFile() throws IOException {
    if (holdout.rule() == Holdout.Rule.FILES) {
      endUnit();
    }
  }

  private void endUnit() throws IOException {
    if (!unitOpen) {
      return;
    }
    if (documentOpen) {
      train.add(encoder.finish());
      documentOpen = false;
    }
    unitOpen = false;
    long tokens = train.size() - textStart;
    long kept = kept(tokens);
    units++;
    if (kept < tokens) {
      separate(validation);
      move(textStart + kept);
      train.truncate(kept == 0 ? unitStart : textStart + kept);
    }
  }

  /** How many of the unit's tokens stay in the training part. */
  private long kept(long tokens) {
    if (holdout.isOtherData()) {
      return tokens;
    }
    return switch (holdout.rule()) {
      case FILES, END -> holdout.kept(tokens);
      case DOCUMENTS -> holdout.holds(units) ? 0 : tokens;
    };
  }

  /** Copies the tokens from {@code from} on. */
  private void move(long from) throws IOException {
    for (long at = from; at < train.size(); ) {
      int[] piece = new int[(int) Math.min(PIECE, train.size() - at)];
      train.read(at, piece, piece.length);
      validation.add(piece);
      at += piece.length;
    }
  }

  /** Encodes what was held back: the last document ends here. */
  void finish() throws IOException {
    endUnit();
  }

  /** How many units there were; the parts of a single one are, one after the other, the text. */
  long units() {
    return units;
  }
}
