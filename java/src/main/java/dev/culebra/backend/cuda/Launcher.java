package dev.culebra.backend.cuda;

import dev.culebra.backend.OpContext;
import dev.culebra.cuda.CudaContext;
import dev.culebra.cuda.KernelFunction;
import dev.culebra.cuda.KernelIndex;
import dev.culebra.cuda.KernelLibrary;
import dev.culebra.cuda.LaunchSize;
import dev.culebra.cuda.Stream;
import dev.culebra.tensor.DType;
import dev.culebra.tensor.Tensor;

/**
 * What every kernel class needs: the kernels for this GPU, their stream, scratch memory, and the
 * rules for sizing a launch (see {@code cuda-kernels/README.md}, "Launches").
 */
final class Launcher implements AutoCloseable {
  static final int WARP = 32;

  /** At most so many rows are few: tokens that are generated, not a batch. */
  static final int FEW_ROWS = 8;

  /** Ends the names of the kernels of {@code overlapped.cu}. */
  private static final String OVERLAPPED = "_overlapped";

  /** Threads per block for flat memory. */
  private static final int FLAT_THREADS = 256;

  /** Bytes that a thread moves at a time. */
  private static final int PACK_BYTES = 16;

  /** Packs of a row that a thread keeps in registers. */
  private static final int PACKS_OF_A_THREAD = 4;

  /** Shared memory that each block needs in addition to its own. */
  private static final int RESERVED_SHARED_BYTES = 1 << 10;

  private final CudaContext context;
  private final OpContext ops;
  private final Stream stream;
  private final KernelLibrary library;
  private final Workspace workspace;
  private final Workspace counters;

  Launcher(CudaContext context, Stream stream, KernelIndex index, OpContext ops) {
    this.context = context;
    this.ops = ops;
    this.stream = stream;
    this.library = new KernelLibrary(context, index);
    this.workspace = new Workspace(context, _ -> {});
    this.counters =
        new Workspace(context, buffer -> stream.clear(buffer.address(), buffer.bytes()));
  }

  /** Whether there is an instance of a kernel for a dtype that runs on this GPU. */
  boolean has(String name, DType dtype) {
    return library.has(name + suffix(dtype));
  }

  /** The instance of a kernel for a dtype. */
  KernelFunction kernel(String name, DType dtype) {
    return library.kernel(name + suffix(dtype));
  }

  /** Whether this GPU has an instance that begins while the kernel before it ends. */
  boolean overlaps(String name, DType dtype) {
    return has(name + OVERLAPPED, dtype);
  }

  /** That instance if {@code overlapped}, to be launched so; otherwise the usual one. */
  KernelFunction kernel(String name, DType dtype, boolean overlapped) {
    return kernel(overlapped ? name + OVERLAPPED : name, dtype);
  }

  /** Loads one kernel, so that a driver too old for the PTX fails now and not in the first step. */
  void requireUsable() {
    kernel("fill", DType.F32);
  }

  private static String suffix(DType dtype) {
    return switch (dtype) {
      case F32 -> "_f32";
      case BF16 -> "_bf16";
      case I32 -> "_i32";
      case I8 -> throw new IllegalArgumentException("no kernel reads " + dtype);
    };
  }

  /** The context shared by the operations. */
  OpContext ops() {
    return ops;
  }

  Stream stream() {
    return stream;
  }

  /** Address of scratch memory, valid until the next kernel class requests some. */
  long workspace(long bytes) {
    return workspace.address(bytes);
  }

  /**
   * Address of integers that are 0 and that every kernel resets to 0, for blocks that take their
   * work from a counter or wait for the last of them.
   */
  long counters(int count) {
    return counters.address((long) count * Integer.BYTES);
  }

  int multiprocessors() {
    return context.multiprocessors();
  }

  /**
   * How many blocks with this much dynamic shared memory fit on a multiprocessor, ignoring other
   * limits.
   */
  int blocksThatFit(int sharedBytes) {
    return context.sharedBytesOfMultiprocessor() / (sharedBytes + RESERVED_SHARED_BYTES);
  }

  /**
   * Elements that a thread moves at a time: 1 if a row or an address is not a multiple of a pack.
   */
  static int packOf(int columns, Tensor... tensors) {
    int pack = PACK_BYTES / tensors[0].dtype().bytes();
    return columns % pack == 0 && aligned(tensors) ? pack : 1;
  }

  private static boolean aligned(Tensor... tensors) {
    for (Tensor tensor : tensors) {
      if (tensor != null && tensor.address() % PACK_BYTES != 0) {
        return false;
      }
    }
    return true;
  }

  /**
   * The launch for rows of {@code columns}: one block per row, or for short rows one warp per row.
   *
   * @param pack elements that a thread moves at a time
   * @param maxThreads most threads per block
   * @param shortRows rows per block with one warp each
   * @param blocks most blocks
   */
  static LaunchSize rowBlocks(
      int rows, int columns, int pack, int maxThreads, int shortRows, int blocks) {
    int rowOfWarp = WARP * PACKS_OF_A_THREAD * pack;
    int warps = Math.min(maxThreads / WARP, Math.ceilDiv(columns, rowOfWarp));
    int rowsOfBlock = warps == 1 ? shortRows : 1;
    int wanted = Math.ceilDiv(rows, rowsOfBlock);
    return LaunchSize.rows(Math.min(wanted, blocks), WARP * warps, rowsOfBlock);
  }

  /** One thread for each pack of flat memory. */
  static LaunchSize flat(long elements, int pack) {
    return LaunchSize.flat(Math.ceilDiv(elements, (long) FLAT_THREADS * pack), FLAT_THREADS);
  }

  /** One thread per 16-byte pack of a tensor. */
  static LaunchSize flat(Tensor tensor) {
    return flat(tensor.elements(), PACK_BYTES / tensor.dtype().bytes());
  }

  /** Rows of (…, C). */
  static int rows(Tensor tensor) {
    return tensor.shape().rows();
  }

  /** C of (…, C). */
  static int columns(Tensor tensor) {
    return tensor.shape().dim(-1);
  }

  /** The number of open modules and buffers. */
  int liveObjects() {
    return library.modules() + workspace.buffers() + counters.buffers();
  }

  @Override
  public void close() {
    counters.close();
    workspace.close();
    library.close();
  }
}
