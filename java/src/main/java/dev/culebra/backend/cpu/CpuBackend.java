package dev.culebra.backend.cpu;

import dev.culebra.backend.Backend;
import dev.culebra.backend.CompactOp;
import dev.culebra.backend.MemoryReport;
import dev.culebra.backend.OpContext;
import dev.culebra.backend.Ops;
import dev.culebra.backend.OutOfDeviceMemoryException;
import dev.culebra.tensor.Buffer;
import dev.culebra.tensor.DType;
import dev.culebra.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.Optional;

/**
 * The CPU: the default without a GPU, and the reference for the GPU's results. Work is done
 * immediately.
 */
public final class CpuBackend implements Backend {
  private static final CpuKernels KERNELS = bestKernels();

  private final WorkerPool pool;
  private final Ops ops;
  private final CompactOp compact;
  private int liveBuffers;
  private long liveBytes;
  private long peakBytes;

  /** With one thread for each processor available to the JVM. */
  public CpuBackend() {
    this(Runtime.getRuntime().availableProcessors());
  }

  /**
   * With this number of threads, including the caller's; results do not depend on it.
   *
   * @throws IllegalArgumentException if {@code threads} is below 1
   */
  public CpuBackend(int threads) {
    pool = new WorkerPool(threads);
    OpContext context = new OpContext(DType.F32);
    ops = ops(context, pool, KERNELS);
    compact = new CompactCpu(context, pool, KERNELS);
  }

  private static Ops ops(OpContext context, WorkerPool pool, CpuKernels kernels) {
    ActivationCpu activation = new ActivationCpu(context, pool, kernels);
    LinearCpu linear = new LinearCpu(context, pool, kernels, activation);
    return new Ops(
        context,
        new EmbeddingCpu(context, pool, kernels),
        new LayerNormCpu(context, pool, kernels, linear),
        linear,
        activation,
        new GatedCpu(context, pool, kernels),
        new HeadsCpu(context, pool, kernels),
        new AttentionCpu(context, pool, kernels),
        new AttentionDecodeCpu(context, pool, kernels),
        new CrossAttentionCpu(context, pool, kernels),
        new DropoutCpu(context, pool, kernels),
        new SoftcapCpu(context, pool, kernels),
        new CrossEntropyCpu(context, pool, kernels),
        new ElementwiseCpu(context, pool, kernels),
        new NormCpu(context, pool, kernels),
        new AdamWCpu(context, pool, kernels),
        new MuonCpu(context, pool, kernels),
        new SamplingCpu(context, pool, kernels));
  }

  /** Chosen once, when the class is initialised; warns if there are no vectors, with the reason. */
  private static CpuKernels bestKernels() {
    CpuKernels kernels = CpuKernels.best();
    if (kernels.fallback() != null) {
      System.getLogger(CpuBackend.class.getName())
          .log(
              System.Logger.Level.WARNING,
              "The CPU backend runs without vector instructions, several times slower; "
                  + kernels.fallback());
    }
    return kernels;
  }

  @Override
  public String name() {
    String threads = pool.threads() + (pool.threads() == 1 ? " thread" : " threads");
    int bits = KERNELS.rows().vectorBits();
    return "cpu (%s, %s)".formatted(threads, bits == 0 ? "no vectors" : bits + "-bit vectors");
  }

  @Override
  public DType dtype() {
    return DType.F32;
  }

  @Override
  public Ops ops() {
    return ops;
  }

  @Override
  public int independentRows() {
    return LinearForward.MAX_DOT_ROWS;
  }

  @Override
  public Optional<CompactOp> compact() {
    return Optional.of(compact);
  }

  @Override
  public synchronized Buffer allocate(long bytes) {
    HostBuffer buffer;
    try {
      buffer = new HostBuffer(bytes, this::released);
    } catch (OutOfMemoryError e) {
      throw new OutOfDeviceMemoryException(
          "not enough memory for %,d bytes more (%,d in use)".formatted(bytes, liveBytes));
    }
    liveBuffers++;
    liveBytes += bytes;
    peakBytes = Math.max(peakBytes, liveBytes);
    return buffer;
  }

  private synchronized void released(HostBuffer buffer) {
    liveBuffers--;
    liveBytes -= buffer.bytes();
  }

  @Override
  public void upload(Tensor dst, MemorySegment src) {
    requireSameSize(dst, src);
    MemorySegment.copy(src, 0, dst.segment(), 0, dst.bytes());
  }

  @Override
  public void readBlocking(MemorySegment dst, Tensor src) {
    requireSameSize(src, dst);
    MemorySegment.copy(src.segment(), 0, dst, 0, src.bytes());
  }

  private static void requireSameSize(Tensor tensor, MemorySegment host) {
    if (tensor.bytes() != host.byteSize()) {
      throw new IllegalArgumentException(
          "%s is %d bytes, but the host's memory is %d"
              .formatted(tensor, tensor.bytes(), host.byteSize()));
    }
  }

  @Override
  public void synchronize() {}

  @Override
  public synchronized MemoryReport memory() {
    return new MemoryReport(liveBuffers, liveBytes, peakBytes);
  }

  @Override
  public void close() {
    pool.close();
  }
}
