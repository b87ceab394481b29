package dev.culebra.generate;

import dev.culebra.backend.Backend;
import dev.culebra.backend.RandomKey;
import dev.culebra.backend.SamplingSpec;
import dev.culebra.io.Owned;
import dev.culebra.nn.Gpt;
import dev.culebra.nn.GptConfig;
import dev.culebra.nn.KvCache;
import dev.culebra.nn.LanguageModel;
import dev.culebra.tensor.Buffer;
import dev.culebra.tensor.DType;
import dev.culebra.tensor.Shape;
import dev.culebra.tensor.Tensor;
import java.util.function.IntPredicate;

/**
 * Continues a sequence of tokens. Shares the model's weights but has its own activations, so it can
 * sample from a model during training. A {@link Gpt} does one row of work per token, thanks to a
 * {@link KvCache}; any other model rereads its window for each token. One thread at a time.
 *
 * <p>When the window is full, its older half is dropped and the rest is reread at positions from 0:
 * with neither learned positions nor rotations can a cached key change position.
 */
public final class Generator implements AutoCloseable {
  private static final int SITE = 0x53414D50;

  private final Owned owned = new Owned();
  private final Backend backend;
  private final NextToken nextToken;
  private final RandomKey key;
  private final Tensor drawn;
  private final int[] window;
  private int filled;

  /** Uses the whole context of {@code model}, which must outlive the generator. */
  public Generator(Gpt model) {
    this(model, model.context());
  }

  /**
   * For any model; it must outlive the generator.
   *
   * @param window the most tokens to read, up to the model's context
   */
  public Generator(LanguageModel model, int window) {
    backend = model.backend();
    this.window = new int[window];
    try {
      nextToken =
          owned.add(
              model instanceof Gpt gpt
                  ? new CachedReader(gpt, window)
                  : new WindowReader(model, window));
      Buffer drawBuffer = owned.add(backend.allocate(5 * Integer.BYTES));
      key = new RandomKey(new Tensor(drawBuffer, 0, DType.I32, Shape.of(4)), SITE);
      drawn = new Tensor(drawBuffer, 4 * Integer.BYTES, DType.I32, Shape.of(1));
    } catch (Throwable e) { // even an Error must leave nothing open
      owned.closeAfter(e);
      throw e;
    }
  }

  /** Device memory in bytes of a generator for such a model in {@code dtype}. */
  public static long bytes(GptConfig config, DType dtype) {
    return KvCache.bytes(config, dtype, 1)
        + Gpt.prefillBytes(config, dtype)
        + Gpt.inferenceBytes(config, dtype, 1, 1);
  }

  /**
   * Draws up to {@code count} tokens after {@code prompt} and passes each to {@code onToken} as
   * soon as it is drawn; stops early when that returns false. Equal arguments give equal tokens.
   *
   * @param prompt at least one token; if it is longer than the context, only its end is read
   * @param seed of the draws
   * @param sample number of this continuation; each number gives another one for the same seed
   * @throws IllegalArgumentException if the prompt is empty
   */
  public void generate(
      int[] prompt, int count, SamplingSpec spec, long seed, int sample, IntPredicate onToken) {
    if (prompt.length == 0) {
      throw new IllegalArgumentException("a prompt needs at least one token");
    }
    int start = Math.max(0, prompt.length - window.length);
    filled = prompt.length - start;
    System.arraycopy(prompt, start, window, 0, filled);
    nextToken.restart(window, filled - 1);
    for (int i = 0; i < count; i++) {
      int token = next(spec, seed, sample, i);
      if (!onToken.test(token)) {
        return;
      }
      append(token);
    }
  }

  /**
   * Like {@link #generate(int[], int, SamplingSpec, long, int, IntPredicate)}, but returns all
   * tokens at once.
   */
  public int[] generate(int[] prompt, int count, SamplingSpec spec, long seed) {
    int[] tokens = new int[count];
    int[] drawn = {0};
    generate(
        prompt,
        count,
        spec,
        seed,
        0,
        token -> {
          tokens[drawn[0]++] = token;
          return true;
        });
    return tokens;
  }

  /** Draws the token after the window, whose last token has not been read yet. */
  private int next(SamplingSpec spec, long seed, int sample, int index) {
    backend.upload(key.state(), new int[] {(int) seed, (int) (seed >>> 32), index, sample});
    nextToken.draw(window, filled, spec, key, drawn);
    return backend.readIntBlocking(drawn);
  }

  private void append(int token) {
    if (filled == window.length) {
      int rest = window.length / 2;
      System.arraycopy(window, filled - rest, window, 0, rest);
      filled = rest;
      nextToken.restart(window, rest);
    }
    window[filled++] = token;
  }

  @Override
  public void close() {
    owned.close();
  }
}
