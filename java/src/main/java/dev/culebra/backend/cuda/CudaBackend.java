package dev.culebra.backend.cuda;

import dev.culebra.backend.Backend;
import dev.culebra.backend.MemoryReport;
import dev.culebra.backend.OpContext;
import dev.culebra.backend.Ops;
import dev.culebra.backend.Recording;
import dev.culebra.cuda.Binding;
import dev.culebra.cuda.Blas;
import dev.culebra.cuda.BlasLt;
import dev.culebra.cuda.Cuda;
import dev.culebra.cuda.CudaContext;
import dev.culebra.cuda.DeviceBuffer;
import dev.culebra.cuda.GemmCall;
import dev.culebra.cuda.GpuPeaks;
import dev.culebra.cuda.KernelIndex;
import dev.culebra.cuda.Stream;
import dev.culebra.io.Owned;
import dev.culebra.tensor.Buffer;
import dev.culebra.tensor.DType;
import dev.culebra.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.OptionalDouble;

/**
 * An NVIDIA GPU. All work goes to one stream; the host runs ahead of it until something is read.
 * One thread at a time.
 */
public final class CudaBackend implements Backend {
  /** So many tokens take a few milliseconds. */
  private static final int REPLAYS_AHEAD = 8;

  private final CudaConfig config;
  private final Owned owned = new Owned();
  private final CudaContext context;
  private final Stream stream;
  private final Uploads uploads;
  private final Launcher launcher;
  private final Ops ops;
  private final int ownObjects;

  /**
   * Opens a GPU and allocates the library's own memory on it, about 40 MB.
   *
   * @throws dev.culebra.cuda.CudaUnavailableException with one line, if that is not possible
   */
  public CudaBackend(CudaConfig config) {
    this.config = config;
    try {
      context = owned.add(new CudaContext(Cuda.open(config.binding()), config.device()));
      KernelIndex index = KernelIndex.load();
      stream = owned.add(new Stream(context));
      uploads = owned.add(new Uploads(context, stream));
      launcher = owned.add(new Launcher(context, stream, index, new OpContext(config.dtype())));
      Blas blas = owned.add(new Blas(context, stream));
      BlasLt lt = usesLt(config) ? owned.add(new BlasLt(context, stream, blas)) : null;
      launcher.requireUsable();
      ops = ops(launcher, blas, lt, config);
    } catch (RuntimeException e) {
      owned.closeAfter(e);
      throw e;
    }
    ownObjects = context.liveObjects() - launcher.liveObjects();
  }

  /**
   * @param lt null to compute products without cublasLt
   */
  private static Ops ops(Launcher launcher, Blas blas, BlasLt lt, CudaConfig config) {
    GemmCall.Precision precision =
        config.tf32() ? GemmCall.Precision.TF32 : GemmCall.Precision.FULL;
    ColumnSumsCuda columnSums = new ColumnSumsCuda(launcher);
    ActivationCuda activation = new ActivationCuda(launcher);
    NormCuda norm = new NormCuda(launcher);
    return new Ops(
        launcher.ops(),
        new EmbeddingCuda(launcher),
        new LayerNormCuda(launcher, columnSums),
        new LinearCuda(launcher, activation, columnSums, blas, lt, precision),
        activation,
        new GatedCuda(launcher),
        new HeadsCuda(launcher),
        new AttentionCuda(launcher, config.kernels().attention()),
        new AttentionDecodeCuda(launcher),
        new CrossAttentionCuda(launcher),
        new DropoutCuda(launcher),
        new SoftcapCuda(launcher),
        new CrossEntropyCuda(launcher),
        new ElementwiseCuda(launcher),
        norm,
        new AdamWCuda(launcher),
        new MuonCuda(launcher, blas, norm, precision),
        new SamplingCuda(launcher));
  }

  private boolean usesLt(CudaConfig config) {
    return config.dtype() == DType.BF16
        && switch (config.kernels().products()) {
          case AUTO -> context.cuda().blasLt() != null;
          case LT -> true;
          case GEMM -> false;
        };
  }

  /**
   * Checks what can be checked without opening a GPU: kernels, libraries, driver.
   *
   * @throws dev.culebra.cuda.CudaUnavailableException with one line, if something is missing
   */
  public static void requireUsable(Binding binding) {
    Cuda.open(binding);
    KernelIndex.load();
  }

  @Override
  public String name() {
    return "cuda:%d (%s, %s)"
        .formatted(config.device(), context.name(), config.dtype() == DType.BF16 ? "bf16" : "fp32");
  }

  /** The GPU's context, for work outside this library. */
  public CudaContext context() {
    return context;
  }

  /** The stream of all work. */
  public Stream stream() {
    return stream;
  }

  @Override
  public DType dtype() {
    return config.dtype();
  }

  /** Unknown for fp32: the TF32 peak would be a different measure. */
  @Override
  public OptionalDouble peakTflops() {
    boolean bf16 = config.dtype() == DType.BF16;
    return OptionalDouble.of(bf16 ? GpuPeaks.bf16Tflops(context.name()) : 0);
  }

  @Override
  public Ops ops() {
    return ops;
  }

  @Override
  public Buffer allocate(long bytes) {
    DeviceBuffer buffer = DeviceMemory.allocate(context, bytes);
    stream.clear(buffer.address(), bytes);
    return buffer;
  }

  @Override
  public void upload(Tensor dst, MemorySegment src) {
    requireSameSize(dst, src);
    uploads.upload(dst.address(), src);
  }

  @Override
  public void readBlocking(MemorySegment dst, Tensor src) {
    requireSameSize(src, dst);
    uploads.readBlocking(dst, src.address());
  }

  private static void requireSameSize(Tensor tensor, MemorySegment host) {
    if (tensor.bytes() != host.byteSize()) {
      throw new IllegalArgumentException(
          "%s is %d bytes, but the host's memory is %d"
              .formatted(tensor, tensor.bytes(), host.byteSize()));
    }
  }

  @Override
  public int replaysAhead() {
    return REPLAYS_AHEAD;
  }

  @Override
  public Recording record(Runnable work) {
    return new GraphRecording(stream, work);
  }

  @Override
  public void synchronize() {
    stream.synchronize();
  }

  @Override
  public MemoryReport memory() {
    return new MemoryReport(
        context.liveObjects() - ownObjects - launcher.liveObjects(),
        context.liveBytes(),
        context.peakBytes());
  }

  @Override
  public void close() {
    owned.close();
  }
}
