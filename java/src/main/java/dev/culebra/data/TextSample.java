package dev.culebra.data;

import dev.culebra.text.TokenDecoder;
import dev.culebra.text.Tokenizer;
import java.util.OptionalInt;
import java.util.function.BooleanSupplier;

/** A text written by the model, up to its end of text, always with the same draws. */
final class TextSample implements Showcase {
  private static final int TOKENS = 400;

  private final Tokenizer tokenizer;
  private final Learner.Writer writer;

  TextSample(Tokenizer tokenizer, Learner learner) {
    this.tokenizer = tokenizer;
    this.writer = learner.writer();
  }

  @Override
  public String write(BooleanSupplier abandon) {
    StringBuilder text = new StringBuilder();
    TokenDecoder decoder = tokenizer.decoder();
    writer.draw(
        tokenizer.start(),
        TOKENS,
        token -> {
          if (tokenizer.endOfText().equals(OptionalInt.of(token))) {
            return false;
          }
          text.append(decoder.accept(token));
          return !abandon.getAsBoolean();
        });
    return abandon.getAsBoolean() ? null : text.append(decoder.finish()).toString();
  }
}
