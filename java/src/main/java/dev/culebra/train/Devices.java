package dev.culebra.train;

import dev.culebra.backend.Backend;
import dev.culebra.backend.cpu.CpuBackend;
import dev.culebra.backend.cuda.CudaBackend;
import dev.culebra.backend.cuda.CudaConfig;
import dev.culebra.cuda.Binding;
import dev.culebra.cuda.CudaUnavailableException;
import dev.culebra.cuda.DriverProbe;
import dev.culebra.cuda.GpuReport;
import dev.culebra.options.Worded;
import dev.culebra.options.Wording;

/** Opens the requested device. */
public final class Devices {
  private Devices() {}

  /** The requested device is not available; the message is one line that says why. */
  public static final class UnavailableException extends RuntimeException implements Worded {
    private static final long serialVersionUID = 1L;

    private final transient Wording wording;

    UnavailableException(Wording wording, Throwable cause) {
      super(wording.toString(), cause);
      this.wording = wording;
    }

    @Override
    public Wording wording() {
      return wording;
    }
  }

  /**
   * What {@link DeviceChoice#AUTO} means on this machine.
   *
   * @param gpu true for the first GPU, false for the CPU
   * @param reason why, in words
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

  /**
   * A device that can read weights of this kind, which the caller closes: {@link DeviceChoice#AUTO}
   * is the CPU where only that can.
   *
   * @throws UnavailableException if it cannot be used, or cannot read them
   */
  public static Backend open(DeviceConfig config, WeightsChoice weights) {
    if (weights.format().isEmpty()) {
      return open(config);
    }
    if (config.device().kind() == DeviceChoice.Kind.CUDA) {
      throw new UnavailableException(
          new Wording(
              "weights of fewer bits are for the CPU: use %s",
              DeviceConfig.DEVICE.set(DeviceChoice.CPU)),
          null);
    }
    return openCpu(config);
  }

  /** Finds out without opening the GPU. */
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
          new Wording(
              "the CPU computes in fp32 only: use %s or auto, or a GPU",
              DeviceConfig.DTYPE.set(DtypeChoice.FP32)),
          null);
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
          new Wording("%s cannot be used: %s", config.device(), e.getMessage()), e);
    }
  }
}
