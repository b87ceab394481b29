package dev.culebra.train;

import dev.culebra.backend.SamplingSpec;
import dev.culebra.generate.Generator;
import dev.culebra.nn.Gpt;
import dev.culebra.text.TokenDecoder;
import dev.culebra.text.Tokenizer;
import dev.culebra.text.UnknownCharacterException;
import java.util.function.BooleanSupplier;

/** Shows during a run what the model has learned: the same draws each time, other weights. */
final class SampleWriter implements Showcase {
  private static final int TOKENS = 400;
  private static final SamplingSpec SPEC = new SamplingSpec(0.8f, 200, 1);

  private final Tokenizer tokenizer;
  private final long seed;
  private final Generator generator;

  SampleWriter(Gpt model, Tokenizer tokenizer, long seed) {
    this.tokenizer = tokenizer;
    this.seed = seed;
    generator = new Generator(model);
  }

  @Override
  public String write(BooleanSupplier abandon) {
    StringBuilder text = new StringBuilder();
    TokenDecoder decoder = tokenizer.decoder();
    generator.generate(
        start(tokenizer),
        TOKENS,
        SPEC,
        seed,
        0,
        token -> {
          text.append(decoder.accept(token));
          return !abandon.getAsBoolean();
        });
    return abandon.getAsBoolean() ? null : text.append(decoder.finish()).toString();
  }

  /** A new line, as a text begins; token 0 for a vocabulary that has none. */
  static int[] start(Tokenizer tokenizer) {
    try {
      return tokenizer.encode("\n");
    } catch (UnknownCharacterException e) {
      return new int[] {0};
    }
  }

  @Override
  public void close() {
    generator.close();
  }
}
