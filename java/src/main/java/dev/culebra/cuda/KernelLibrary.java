package dev.culebra.cuda;

import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The kernels of this version on one GPU. A module is compiled for it when its first kernel is
 * asked for; the driver keeps what it compiled in a cache of its own. One thread at a time.
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

  /**
   * A kernel by the name of its entry, the same each time.
   *
   * @throws CudaUnavailableException if the driver is too old for the PTX
   * @throws IllegalArgumentException if there is no such kernel
   */
  public KernelFunction kernel(String entry) {
    return kernels.computeIfAbsent(
        entry,
        name -> {
          KernelIndex.Entry found = index.entry(name);
          PtxModule module = modules.computeIfAbsent(found.module(), this::load);
          return new KernelFunction(context, name, module.function(name), found.parameters());
        });
  }

  private PtxModule load(String module) {
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
              .formatted(version / 1000, version % 1000 / 10, index.ptxVersion()));
    }
  }

  /** How many modules are loaded. */
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
