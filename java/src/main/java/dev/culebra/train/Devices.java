package dev.culebra.train;

import dev.culebra.backend.Backend;
import dev.culebra.backend.cpu.CpuBackend;
import dev.culebra.backend.cuda.CudaBackend;
import dev.culebra.backend.cuda.CudaConfig;
import dev.culebra.cuda.Binding;
import dev.culebra.cuda.CudaUnavailableException;
import dev.culebra.cuda.DriverProbe;
import dev.culebra.cuda.GpuReport;

/** Opens the device that a user asks for. */
public final class Devices {
  private Devices() {}

  /** A device that was asked for is not to be had; the message is one line that says why. */
  public static final class UnavailableException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    UnavailableException(String message) {
      super(message);
    }

    UnavailableException(String message, Throwable cause) {
      super(message, cause);
    }
  }

  /**
   * What {@link DeviceChoice#AUTO} is on this machine.
   *
   * @param gpu whether it is the first GPU, else the processor
   * @param reason why, for people
   */
  public record Auto(boolean gpu, String reason) {}

  /**
   * The device, which the caller closes.
   *
   * @throws UnavailableException if it cannot be used
   */
  public static Backend open(DeviceConfig config) {
    return switch (config.device().kind()) {
      case CPU -> openCpu(config);
      case CUDA -> openCuda(config);
      case AUTO -> auto(config.binding()).gpu() ? openCuda(config) : openCpu(config);
    };
  }

  /** Finds out without taking the GPU into use. */
  public static Auto auto(Binding binding) {
    GpuReport report = DriverProbe.probe();
    if (report.gpus().isEmpty()) {
      return new Auto(false, report.problem());
    }
    try {
      CudaBackend.requireUsable(binding);
      return new Auto(true, report.gpus().getFirst().name());
    } catch (CudaUnavailableException e) {
      return new Auto(false, e.getMessage());
    }
  }

  private static Backend openCpu(DeviceConfig config) {
    if (config.dtype() == DtypeChoice.BF16) {
      throw new UnavailableException(
          "the processor computes in fp32 only: use --dtype fp32 or auto, or a GPU");
    }
    return config.threads() == 0 ? new CpuBackend() : new CpuBackend(config.threads());
  }

  private static Backend openCuda(DeviceConfig config) {
    CudaConfig cuda =
        new CudaConfig(
            config.device().index(), config.binding(), config.dtype().onGpu(), config.tf32());
    try {
      return new CudaBackend(cuda);
    } catch (CudaUnavailableException e) {
      throw new UnavailableException(
          "%s cannot be used: %s".formatted(config.device(), e.getMessage()), e);
    }
  }
}
