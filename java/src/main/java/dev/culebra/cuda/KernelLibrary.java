package dev.culebra.cuda;

import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The kernels of this version on one GPU. A module is compiled when its first kernel is requested;
 * the driver caches the result. Some kernels are for GPUs of one compute capability only: see
 * {@link #has}. One thread at a time.
 */
public final class KernelLibrary implements AutoCloseable {
  /** CUDA_ERROR_UNSUPPORTED_PTX_VERSION. */
  private static final int UNSUPPORTED_PTX_VERSION = 222;

  private final CudaContext context;
  private final KernelIndex index;
  private final Map<String, PtxModule> modules = new LinkedHashMap<>();
  private final Map<String, KernelFunction> kernels = new LinkedHashMap<>();

  public KernelLibrary(CudaContext context, KernelIndex index) {
    this.context = context;
    this.index = index;
  }

  /** Whether there is such a kernel and this GPU and its driver can run it. */
  public boolean has(String entry) {
    if (!index.has(entry)) {
      return false;
    }
    KernelIndex.Target target = index.entry(entry).target();
    return target.runsOn(context.capability()) && context.driver().version() >= target.driver();
  }

  /**
   * A kernel by the name of its entry; always the same object.
   *
   * @throws CudaUnavailableException if the driver is too old for the PTX
   * @throws IllegalArgumentException if there is no such kernel, or it is not for this GPU
   */
  public KernelFunction kernel(String entry) {
    return kernels.computeIfAbsent(
        entry,
        name -> {
          KernelIndex.Entry found = index.entry(name);
          requireRunsHere(name, found.target());
          PtxModule module =
              modules.computeIfAbsent(found.module(), key -> load(key, found.target()));
          return new KernelFunction(context, name, module.function(name), found.parameters());
        });
  }

  private void requireRunsHere(String entry, KernelIndex.Target target) {
    if (!target.runsOn(context.capability())) {
      throw new IllegalArgumentException(
          "%s is for %s, and %s has compute capability %d.%d"
              .formatted(
                  entry,
                  target.name(),
                  context.name(),
                  context.capability() / 10,
                  context.capability() % 10));
    }
  }

  private PtxModule load(String module, KernelIndex.Target target) {
    try {
      return new PtxModule(context, module, index.ptx(module));
    } catch (CudaException e) {
      if (e.status() != UNSUPPORTED_PTX_VERSION) {
        throw e;
      }
      int version = context.driver().version();
      throw new CudaUnavailableException(
          ("the NVIDIA driver, made for CUDA %d.%d, is too old for the kernels, whose PTX is %s:"
                  + " update the driver")
              .formatted(version / 1000, version % 1000 / 10, target.version()));
    }
  }

  /** The number of loaded modules. */
  public int modules() {
    return modules.size();
  }

  @Override
  public void close() {
    kernels.clear();
    modules.values().forEach(PtxModule::close);
    modules.clear();
  }
}
