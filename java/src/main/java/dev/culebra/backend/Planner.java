package dev.culebra.backend;

import dev.culebra.tensor.Buffer;
import dev.culebra.tensor.DType;
import dev.culebra.tensor.Shape;
import dev.culebra.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.function.Consumer;

/**
 * Plans a step once: lays out all its memory in one buffer and assigns its random keys. {@link
 * #plan} runs the layout twice, first only to measure, then for real. A module requests its tensors
 * in its {@code plan} method and keeps them.
 *
 * <p>There are two regions. {@link #keep} is for tensors that live from the forward to the backward
 * pass. {@link #scratch} is for tensors that one block needs briefly: after {@link
 * #releaseScratch()} the next block gets the same memory.
 */
public final class Planner {
  private static final long ALIGNMENT = 256;

  private final Buffer buffer;
  private final long scratchStart;
  private final DType dtype;
  private final boolean training;
  private final Recompute recompute;
  private final Tensor randomState;
  private int sites;
  private long kept;
  private long scratch;
  private long scratchPeak;
  private boolean computedAgain;

  private Planner(
      Buffer buffer, long scratchStart, DType dtype, boolean training, Recompute recompute) {
    this.buffer = buffer;
    this.scratchStart = scratchStart;
    this.dtype = dtype;
    this.training = training;
    this.recompute = recompute;
    this.randomState = keep(DType.I32, 4);
  }

  /**
   * Runs {@code layout} to measure the buffer, allocates it, and runs {@code layout} again on the
   * real memory.
   *
   * @param training whether a backward pass will follow; if not, layouts may skip tensors that only
   *     backward needs
   * @param recompute what the backward pass recomputes
   * @return the buffer, owned by the caller; all planned tensors are views of it
   */
  public static Buffer plan(
      Backend backend, boolean training, Recompute recompute, Consumer<Planner> layout) {
    Planner measured = measure(backend.dtype(), training, recompute, layout);
    Buffer buffer = backend.allocate(measured.bytes());
    try {
      layout.accept(new Planner(buffer, measured.kept, backend.dtype(), training, recompute));
    } catch (RuntimeException e) {
      buffer.close();
      throw e;
    }
    return buffer;
  }

  /** The same, without recomputation. */
  public static Buffer plan(Backend backend, boolean training, Consumer<Planner> layout) {
    return plan(backend, training, Recompute.NONE, layout);
  }

  /** Bytes of the buffer that {@link #plan} would allocate; the planned tensors have no memory. */
  public static long bytes(
      DType dtype, boolean training, Recompute recompute, Consumer<Planner> layout) {
    return measure(dtype, training, recompute, layout).bytes();
  }

  private static Planner measure(
      DType dtype, boolean training, Recompute recompute, Consumer<Planner> layout) {
    Planner planner = new Planner(new Unbacked(), 0, dtype, training, recompute);
    layout.accept(planner);
    return planner;
  }

  private long bytes() {
    return Math.max(ALIGNMENT, kept + scratchPeak);
  }

  /** What the backward pass recomputes; nothing if there is no backward pass. */
  public Recompute recompute() {
    return training ? recompute : Recompute.NONE;
  }

  /**
   * Lays out a part of the model whose forward pass is repeated before its backward pass, so that
   * its activations need not be kept.
   */
  public void computedAgain(Runnable layout) {
    computedAgain = true;
    layout.run();
    computedAgain = false;
  }

  private boolean keepsActivations() {
    return training && !computedAgain;
  }

  /** Whether a backward pass will follow. */
  public boolean training() {
    return training;
  }

  /** A tensor with its own memory for the whole step. */
  public Tensor keep(DType dtype, int... dims) {
    Tensor tensor = new Tensor(buffer, kept, dtype, Shape.of(dims));
    kept = align(kept + tensor.bytes());
    return tensor;
  }

  /** A tensor whose memory is reused after {@link #releaseScratch()}. */
  public Tensor scratch(DType dtype, int... dims) {
    Tensor tensor = new Tensor(buffer, scratchStart + scratch, dtype, Shape.of(dims));
    scratch = align(scratch + tensor.bytes());
    scratchPeak = Math.max(scratchPeak, scratch);
    return tensor;
  }

  /**
   * An activation, of the backend's dtype. In training it is kept for backward, unless it is {@link
   * #computedAgain}; otherwise it is scratch.
   */
  public Tensor activation(int... dims) {
    return keepsActivations() ? keep(dtype, dims) : scratch(dtype, dims);
  }

  /** An activation or its gradient, with its own memory for the whole step. */
  public Tensor keepActivation(int... dims) {
    return keep(dtype, dims);
  }

  /** Row statistics, F32 on every device; kept like an {@link #activation}. */
  public Tensor statistics(int... dims) {
    return keepsActivations() ? keep(DType.F32, dims) : scratch(DType.F32, dims);
  }

  /** The gradient of an activation, of the backend's dtype: scratch. */
  public Tensor gradient(int... dims) {
    return scratch(dtype, dims);
  }

  /** The random key of a new site in the model; sites are numbered in the order of the layout. */
  public RandomKey randomKey() {
    return new RandomKey(randomState, sites++);
  }

  /**
   * I32 (4), the random state of all keys of this plan; the owner of the plan sets it before a
   * step.
   */
  public Tensor randomState() {
    return randomState;
  }

  /** Frees the scratch region for reuse. */
  public void releaseScratch() {
    scratch = 0;
  }

  private static long align(long bytes) {
    return (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
  }

  /** A placeholder for memory while measuring. */
  private static final class Unbacked implements Buffer {
    @Override
    public long bytes() {
      return Long.MAX_VALUE;
    }

    @Override
    public long address() {
      return 0;
    }

    @Override
    public MemorySegment segment() {
      throw new IllegalStateException("a tensor has no memory while the plan is measured");
    }

    @Override
    public void close() {}
  }
}
