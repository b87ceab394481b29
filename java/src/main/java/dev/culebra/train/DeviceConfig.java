package dev.culebra.train;

import dev.culebra.cuda.Binding;

/**
 * Where and how to compute.
 *
 * @param device which device
 * @param threads of the processor; 0 for all
 * @param dtype of activations and weights
 * @param tf32 whether a GPU may round the inputs of fp32 matrix products to TF32
 * @param binding how Java calls CUDA
 */
public record DeviceConfig(
    DeviceChoice device, int threads, DtypeChoice dtype, boolean tf32, Binding binding) {
  /** The processor, all of it. */
  public static final DeviceConfig CPU =
      new DeviceConfig(DeviceChoice.CPU, 0, DtypeChoice.AUTO, false, Binding.AUTO);
}
