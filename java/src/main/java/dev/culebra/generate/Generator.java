package dev.culebra.generate;

import dev.culebra.backend.Backend;
import dev.culebra.backend.RandomKey;
import dev.culebra.backend.Recording;
import dev.culebra.backend.SamplingSpec;
import dev.culebra.io.Owned;
import dev.culebra.nn.Gpt;
import dev.culebra.nn.GptConfig;
import dev.culebra.nn.KvCache;
import dev.culebra.tensor.Buffer;
import dev.culebra.tensor.DType;
import dev.culebra.tensor.Shape;
import dev.culebra.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.function.IntPredicate;

/**
 * Continues a sequence of tokens with a {@link Gpt}, one row of work a token thanks to a {@link
 * KvCache}. Shares the model's weights and has activations of its own, so it can sample from a
 * model in training. One thread at a time.
 *
 * <p>Past the model's context the older half of the window is dropped and the rest read again at
 * positions from 0: neither a learned position nor a rotation allows a cached key to move.
 */
public final class Generator implements AutoCloseable {
  private static final int SITE = 0x53414D50;

  private final Owned owned = new Owned();
  private final Backend backend;
  private final Gpt decoder;
  private final Gpt reader;
  private final KvCache cache;
  private final RandomKey key;
  private final Tensor drawn;
  private final int[] window;
  private SamplingSpec recordedSpec;
  private Recording nextToken;
  private int filled;

  /** For {@code model}, which must outlive the generator. */
  public Generator(Gpt model) {
    backend = model.backend();
    window = new int[model.context()];
    try {
      cache = owned.add(new KvCache(backend, model.config(), 1));
      decoder = owned.add(model.shareWeights());
      reader = owned.add(model.shareWeights());
      decoder.eval();
      reader.eval();
      decoder.planDecoding(cache);
      reader.planPrefill(cache, window.length); // what does not fit is known now
      Buffer drawBuffer = owned.add(backend.allocate(5 * Integer.BYTES));
      key = new RandomKey(new Tensor(drawBuffer, 0, DType.I32, Shape.of(4)), SITE);
      drawn = new Tensor(drawBuffer, 4 * Integer.BYTES, DType.I32, Shape.of(1));
    } catch (RuntimeException e) {
      owned.closeAfter(e);
      throw e;
    }
  }

  /** Bytes on a device of {@code dtype} that a generator for such a model takes. */
  public static long bytes(GptConfig config, DType dtype) {
    return KvCache.bytes(config, dtype, 1) + Gpt.prefillBytes(config, dtype);
  }

  /**
   * Draws up to {@code count} tokens after {@code prompt} and hands each to {@code onToken} as soon
   * as it is known; stops early when that returns false. Equal arguments give equal tokens.
   *
   * @param prompt at least one token; of a prompt longer than the context only the end is read
   * @param seed of the draws
   * @param sample number of this continuation; with one seed each is another
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
    read(filled - 1);
    record(spec);
    for (int i = 0; i < count; i++) {
      int token = next(seed, sample, i);
      if (!onToken.test(token)) {
        return;
      }
      append(token);
    }
  }

  /** {@link #generate(int[], int, SamplingSpec, long, int, IntPredicate)}, all at once. */
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

  /** Reads the last token of the window, not yet in the cache, and draws its successor. */
  private int next(long seed, int sample, int index) {
    decoder.load(MemorySegment.ofArray(new int[] {window[filled - 1]}), null);
    backend.upload(key.state(), new int[] {(int) seed, (int) (seed >>> 32), index, sample});
    nextToken.replay();
    cache.setLength(filled);
    return backend.readIntBlocking(drawn);
  }

  /** The work of a token, one graph on a GPU; {@code spec} is part of it. */
  private void record(SamplingSpec spec) {
    if (!spec.equals(recordedSpec)) {
      closeRecording();
      nextToken =
          backend.record(
              () -> {
                Tensor logits = decoder.forward();
                backend.ops().sample(drawn, logits, decoder.vocab(), spec, key);
              });
      recordedSpec = spec;
    }
  }

  private void closeRecording() {
    if (nextToken != null) {
      nextToken.close();
    }
  }

  private void append(int token) {
    if (filled == window.length) {
      int rest = window.length / 2;
      System.arraycopy(window, filled - rest, window, 0, rest);
      filled = rest;
      read(rest);
    }
    window[filled++] = token;
  }

  /** Fills the cache with the first {@code length} tokens of the window. */
  private void read(int length) {
    cache.setLength(length);
    if (length > 0) {
      reader.planPrefill(cache, length);
      reader.load(MemorySegment.ofArray(Arrays.copyOf(window, length)), null);
      reader.forwardToCache();
    }
  }

  @Override
  public void close() {
    closeRecording();
    owned.close();
  }
}
