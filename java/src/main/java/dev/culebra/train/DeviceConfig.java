package dev.culebra.train;

import static dev.culebra.options.ValueType.SWITCH;
import static dev.culebra.options.ValueType.WHOLE;
import static dev.culebra.options.ValueType.oneOf;

import dev.culebra.backend.Recompute;
import dev.culebra.cuda.Binding;
import dev.culebra.options.Option;
import dev.culebra.options.OptionException;
import dev.culebra.options.Options;
import dev.culebra.options.Range;
import java.util.List;

/**
 * Where and how to compute. Each component is described by its option: {@link #DEVICE} and so on.
 * All of them may change when a run is resumed.
 */
public record DeviceConfig(
    DeviceChoice device,
    int threads,
    DtypeChoice dtype,
    boolean tf32,
    Binding binding,
    Recompute recompute) {
  /** More threads than any CPU has. */
  private static final int MAX_THREADS = 1024;

  public static final Option<DeviceConfig, DeviceChoice> DEVICE =
      Option.of("device", DeviceChoice.TYPE, DeviceConfig::device)
          .help("DEVICE", "auto, cpu, cuda or cuda:N.")
          .otherwise(DeviceChoice.AUTO)
          .changeable();

  public static final Option<DeviceConfig, Integer> THREADS =
      Option.of("threads", WHOLE, DeviceConfig::threads)
          .help("N", "CPU threads; 0: one per processor.")
          .range(Range.between(0, MAX_THREADS))
          .otherwise(0)
          .changeable();

  /** The type of activations and weights. */
  public static final Option<DeviceConfig, DtypeChoice> DTYPE =
      Option.of("dtype", oneOf(DtypeChoice.class), DeviceConfig::dtype)
          .help("TYPE", "auto is bf16 on a GPU, fp32 on the CPU.")
          .otherwise(DtypeChoice.AUTO)
          .changeable();

  public static final Option<DeviceConfig, Boolean> TF32 =
      Option.of("tf32", SWITCH, DeviceConfig::tf32)
          .help("", "On a GPU, compute fp32 matrix products on TF32 tensor cores.")
          .otherwise(false)
          .changeable();

  public static final Option<DeviceConfig, Binding> BINDING =
      Option.of("binding", oneOf(Binding.class), DeviceConfig::binding)
          .help("NAME", "How to call CUDA.")
          .otherwise(Binding.AUTO)
          .changeable();

  public static final Option<DeviceConfig, Recompute> RECOMPUTE =
      Option.of("recompute", oneOf(Recompute.class), DeviceConfig::recompute)
          .help("WHAT", "What the backward pass recomputes instead of keeping, to save memory.")
          .otherwise(Recompute.NONE)
          .changeable();

  public static final List<Option<DeviceConfig, ?>> OPTIONS =
      List.of(DEVICE, THREADS, DTYPE, TF32, BINDING, RECOMPUTE);

  /** The CPU with all its threads. */
  public static final DeviceConfig CPU = of(Options.NONE.with(DEVICE, DeviceChoice.CPU));

  /**
   * @throws OptionException with one line that names the value, if it is invalid
   */
  public DeviceConfig {
    DEVICE.require(device);
    THREADS.require(threads);
    DTYPE.require(dtype);
    BINDING.require(binding);
    RECOMPUTE.require(recompute);
  }

  /**
   * The values of these options, with defaults for those that are missing.
   *
   * @throws OptionException if a value is invalid
   */
  public static DeviceConfig of(Options options) {
    return new DeviceConfig(
        options.value(DEVICE),
        options.value(THREADS),
        options.value(DTYPE),
        options.value(TF32),
        options.value(BINDING),
        options.value(RECOMPUTE));
  }
}
