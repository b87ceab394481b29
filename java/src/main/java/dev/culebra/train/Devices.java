package dev.culebra.train;

import dev.culebra.backend.Backend;
import dev.culebra.backend.cpu.CpuBackend;

/** Opens the device that a user asks for. */
public final class Devices {
  private Devices() {}

  /** A device that was asked for is not to be had; the message is one line that says why. */
  public static final class UnavailableException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    UnavailableException(String message) {
      super(message);
    }
  }

  /**
   * The device, which the caller closes.
   *
   * @param threads of the processor; 0 for all
   * @throws UnavailableException if it cannot be used
   */
  public static Backend open(DeviceChoice choice, int threads) {
    return switch (choice.kind()) {
      case AUTO, CPU -> threads == 0 ? new CpuBackend() : new CpuBackend(threads);
      case CUDA ->
          throw new UnavailableException(
              "this version cannot launch its GPU kernels yet, so %s cannot be used: use --device cpu"
                  .formatted(choice));
    };
  }
}
