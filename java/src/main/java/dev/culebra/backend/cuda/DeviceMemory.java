package dev.culebra.backend.cuda;

import dev.culebra.backend.OutOfDeviceMemoryException;
import dev.culebra.cuda.CudaContext;
import dev.culebra.cuda.CudaException;
import dev.culebra.cuda.DeviceBuffer;

/** GPU memory; a failed allocation says how much is free. */
final class DeviceMemory {
  private DeviceMemory() {}

  /**
   * Allocates uninitialised memory.
   *
   * @throws OutOfDeviceMemoryException if there is not enough
   */
  static DeviceBuffer allocate(CudaContext context, long bytes) {
    try {
      return context.allocate(bytes);
    } catch (CudaException e) {
      if (!e.isOutOfMemory()) {
        throw e;
      }
      long free = context.freeMemory();
      throw new OutOfDeviceMemoryException(
          "%s has %,d bytes free, and %,d more are needed (%,d in use)"
              .formatted(context.name(), free, bytes, context.liveBytes()),
          free + context.liveBytes(),
          e);
    }
  }
}
