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
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
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
        int words = KEY_WORDS + 1 + reader.ahead();
        Buffer buffer = owned.add(backend.allocate((long) words * Integer.BYTES));
        Tensor all = new Tensor(buffer, 0, DType.I32, Shape.of(words));
        RandomKey key = new RandomKey(all.slice(0, Shape.of(KEY_WORDS)), SITE);
        Tensor drawn = all.slice(KEY_WORDS, Shape.of(1));
        Tensor history = all.slice(KEY_WORDS + 1, Shape.of(reader.ahead()));
        places.add(new Sequence.Place(place, key, drawn, history));
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
          active.sort(Comparator.comparingInt(each -> each.place().index())); // keeps the plan
        }
      }
      if (active.isEmpty()) {
        return new Generation(tokens, first, System.nanoTime() - start);
      }
      int steps = steps(active);
      active.forEach(this::key);
      reader.draw(active, steps);
      List<int[]> drawn = active.stream().map(each -> drawn(each, steps)).toList();
      List<Sequence> step = List.copyOf(active);
      for (int s = 0; s < steps; s++) {
        for (int i = 0; i < step.size(); i++) {
          Sequence sequence = step.get(i);
          if (!active.contains(sequence)) {
            continue; // it ended in an earlier step; what was drawn for it since is dropped
          }
          int token = drawn.get(i)[s];
          first = tokens++ == 0 ? System.nanoTime() - start : first;
          if (sequence.accept(token)) {
            append(sequence, token);
          } else {
            free.add(sequence.place());
            active.remove(sequence);
          }
        }
      }
    }
  }

  /**
   * How many tokens to draw before the host reads them: one at first, since somebody waits for it;
   * then what the device is given ahead, but no more than are wanted, and only up to where a window
   * must be reread.
   */
  private int steps(List<Sequence> active) {
    int steps = reader.ahead();
    for (Sequence sequence : active) {
      if (sequence.drawn() == 0) {
        return 1;
      }
      steps = Math.min(steps, sequence.continuation().count() - sequence.drawn());
      if (!reader.slides()) {
        steps = Math.min(steps, window - sequence.length() + 1);
      }
    }
    return steps;
  }

  /** The tokens of the last {@code steps} draws, in order. */
  private int[] drawn(Sequence sequence, int steps) {
    int[] history = new int[(int) sequence.place().history().elements()];
    backend.readBlocking(MemorySegment.ofArray(history), sequence.place().history());
    int[] tokens = new int[steps];
    Arrays.setAll(tokens, i -> history[(sequence.drawn() + i) % history.length]);
    return tokens;
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
