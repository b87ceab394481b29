package dev.culebra.backend.cpu;

import static dev.culebra.backend.cpu.RawMemory.ALL;

import dev.culebra.backend.DropoutOp;
import dev.culebra.backend.DropoutSpec;
import dev.culebra.backend.OpContext;
import dev.culebra.tensor.Tensor;
import java.lang.foreign.MemorySegment;

/**
 * Elementwise dropout; forward and backward are the same. Every element has its own draw, so the
 * mask does not depend on how the work is split. Allocates nothing. One thread at a time.
 */
final class DropoutCpu extends DropoutOp {
  /** Draws per batch: 16 KB, which stay in the L1 cache. */
  private static final int DRAWS = 4096;

  private final WorkerPool pool;
  private final RowKernel kernels;
  private final ScratchMemory[] uniforms;
  private final int[][] words;
  private final Draws draws = new Draws();
  private final WorkerPool.Task dropStretch = this::dropStretch;
  private long out;
  private long in;
  private long length;
  private DropoutSpec dropout;

  DropoutCpu(OpContext context, WorkerPool pool, CpuKernels kernels) {
    super(context);
    this.pool = pool;
    this.kernels = kernels.rows();
    uniforms = pool.scratchOfEach();
    words = new int[pool.threads()][4];
  }

  @Override
  protected void run(Tensor out, Tensor in, DropoutSpec dropout) {
    this.out = RawMemory.address(out);
    this.in = RawMemory.address(in);
    this.dropout = dropout;
    length = in.elements();
    if (dropout.isNone()) {
      MemorySegment.copy(ALL, this.in, ALL, this.out, in.bytes());
      return;
    }
    draws.set(dropout.key());
    pool.run(dropStretch, Stretches.count(length));
  }

  private void dropStretch(int index) {
    int slot = pool.slot();
    long scratch = uniforms[slot].floats(DRAWS);
    long end = Stretches.first(index) + Stretches.length(index, length);
    for (long first = Stretches.first(index); first < end; first += DRAWS) {
      int count = (int) Math.min(DRAWS, end - first);
      long at = 4 * first;
      kernels.uniforms(scratch, first, count, draws, words[slot]);
      kernels.drop(out + at, in + at, scratch, dropout.p(), dropout.scale(), count);
    }
  }
}
