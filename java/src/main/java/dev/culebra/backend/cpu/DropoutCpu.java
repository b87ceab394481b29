package dev.culebra.backend.cpu;

import static dev.culebra.backend.cpu.RawMemory.ALL;
import static dev.culebra.backend.cpu.RawMemory.safe;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import dev.culebra.backend.DropoutSpec;
import dev.culebra.random.Philox;
import dev.culebra.tensor.Tensor;
import java.lang.foreign.MemorySegment;

/**
 * Elementwise dropout; forward and backward are the same. Element e is drawn by itself, so the cut
 * does not matter to the mask. Allocates nothing. One thread at a time.
 */
final class DropoutCpu {
  private final WorkerPool pool;
  private final int[][] words;
  private final WorkerPool.Task dropStretch = this::dropStretch;
  private long out;
  private long in;
  private long length;
  private float p;
  private float scale;
  private int site;
  private final int[] state = new int[4];

  DropoutCpu(WorkerPool pool) {
    this.pool = pool;
    words = new int[pool.threads()][4];
  }

  /** See {@link dev.culebra.backend.Ops#dropoutForward}. */
  void apply(Tensor out, Tensor in, DropoutSpec dropout) {
    this.out = RawMemory.address(out);
    this.in = RawMemory.address(in);
    if (dropout.isNone()) {
      MemorySegment.copy(ALL, this.in, ALL, this.out, in.bytes());
      return;
    }
    length = in.elements();
    p = dropout.p();
    scale = dropout.scale();
    site = dropout.key().site();
    for (int i = 0; i < state.length; i++) {
      state[i] = dropout.key().state().getInt(i);
    }
    pool.run(dropStretch, Stretches.count(length));
  }

  private void dropStretch(int index) {
    int[] draws = words[pool.slot()];
    long first = Stretches.first(index);
    int count = Stretches.length(index, length);
    for (int i = 0; i < count; i += 4) {
      Philox.words(draws, (int) ((first + i) / 4), site, state[2], state[3], state[0], state[1]);
      for (int k = i; k < Math.min(i + 4, count); k++) {
        long at = 4 * (first + k);
        float x = ALL.get(JAVA_FLOAT, safe(in + at));
        float kept = Philox.uniform(draws[k - i]) < p ? 0 : x * scale;
        ALL.set(JAVA_FLOAT, safe(out + at), kept);
      }
    }
  }
}
