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
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.function.IntPredicate;

/**
 * Continues texts. Shares the model's weights but has its own activations, so it can sample from a
 * model during training. A {@link Gpt} does one row of work per token, thanks to a {@link KvCache};
 * any other model rereads its window for each token. One thread at a time.
 *
 * <p>When the window is full, a model with rotary positions goes on with the last tokens in sight:
 * a token takes the place of the oldest one. With learned positions a cached key cannot change its
 * position, so the older half of the window is dropped and the rest is reread at positions from 0.
 */
public final class Generator implements AutoCloseable {
  private static final int SITE = 0x53414D50;
  private static final int KEY_WORDS = 4;

  private final Owned owned = new Owned();
  private final Backend backend;
  private final TokenReader reader;
  private final List<Sequence.Place> places = new ArrayList<>();
  private final int window;

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
    this.window = window;
    try {
      reader =
          owned.add(
              model instanceof Gpt gpt
                  ? new CachedReader(gpt, window)
                  : new WindowReader(model, window));
      for (int place = 0; place < reader.places(); place++) {
        Buffer buffer = owned.add(backend.allocate((KEY_WORDS + 1) * Integer.BYTES));
        Tensor key = new Tensor(buffer, 0, DType.I32, Shape.of(KEY_WORDS));
        Tensor drawn = new Tensor(buffer, key.bytes(), DType.I32, Shape.of(1));
        places.add(new Sequence.Place(place, new RandomKey(key, SITE), drawn));
      }
    } catch (Throwable e) { // even an Error must leave nothing open
      owned.closeAfter(e);
      throw e;
    }
  }

  /** Device memory in bytes of a generator for such a model in {@code dtype}. */
  public static long bytes(GptConfig config, DType dtype) {
    return KvCache.bytes(config, dtype, 1, config.context())
        + Gpt.prefillBytes(config, dtype)
        + Gpt.inferenceBytes(config, dtype, 1, 1);
  }

  /**
   * Draws up to {@code count} tokens after {@code prompt}; see {@link Continuation}.
   *
   * @throws IllegalArgumentException if the prompt is empty
   */
  public Generation generate(
      int[] prompt, int count, SamplingSpec spec, long seed, int sample, IntPredicate onToken) {
    return generate(List.of(new Continuation(prompt, count, spec, seed, sample, onToken)));
  }

  /**
   * Writes several continuations, each with its own length, draws and end; as many at a time as the
   * device can read with the same bits as alone ({@link Backend#independentRows}). When one ends,
   * the next is asked for and begins in its place.
   */
  public Generation generate(Iterable<Continuation> continuations) {
    long start = System.nanoTime();
    long first = 0;
    int tokens = 0;
    Iterator<Continuation> waiting = continuations.iterator();
    List<Sequence.Place> free = new ArrayList<>(places);
    List<Sequence> active = new ArrayList<>();
    while (true) {
      while (!free.isEmpty() && waiting.hasNext()) {
        Continuation next = waiting.next();
        if (next.count() > 0) {
          Sequence sequence = new Sequence(next, free.removeFirst(), window);
          reader.restart(sequence);
          active.add(sequence);
        }
      }
      if (active.isEmpty()) {
        return new Generation(tokens, first, System.nanoTime() - start);
      }
      active.forEach(this::key);
      reader.draw(active);
      for (Iterator<Sequence> each = active.iterator(); each.hasNext(); ) {
        Sequence sequence = each.next();
        int token = backend.readIntBlocking(sequence.place().drawn());
        first = tokens++ == 0 ? System.nanoTime() - start : first;
        if (sequence.accept(token)) {
          append(sequence, token);
        } else {
          free.add(sequence.place());
          each.remove();
        }
      }
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

  /** Selects the random numbers of the next draw. */
  private void key(Sequence sequence) {
    Continuation of = sequence.continuation();
    int[] words = {(int) of.seed(), (int) (of.seed() >>> 32), sequence.drawn(), of.sample()};
    backend.upload(sequence.place().key().state(), words);
  }

  private void append(Sequence sequence, int token) {
    if (sequence.isFull() && !reader.slides()) {
      sequence.dropOlderHalf();
      sequence.append(token);
      reader.restart(sequence);
    } else {
      sequence.append(token);
    }
  }

  @Override
  public void close() {
    owned.close();
  }
}
