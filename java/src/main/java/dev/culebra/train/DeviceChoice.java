package dev.culebra.train;

import dev.culebra.options.ValueType;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The device a user asks for.
 *
 * @param kind what kind of device
 * @param index which of the GPUs, from 0; 0 for the other kinds
 */
public record DeviceChoice(Kind kind, int index) {
  private static final Pattern CUDA = Pattern.compile("cuda(?::(\\d{1,4}))?");

  /** Kinds of devices. */
  public enum Kind {
    /** The GPU if a usable one is there, else the processor. */
    AUTO,
    CPU,
    CUDA
  }

  /** How a choice is written. */
  static final ValueType<DeviceChoice> TYPE =
      ValueType.of(DeviceChoice.class, "auto, cpu, cuda or cuda:N", DeviceChoice::parse);

  public static final DeviceChoice AUTO = new DeviceChoice(Kind.AUTO, 0);
  public static final DeviceChoice CPU = new DeviceChoice(Kind.CPU, 0);

  /**
   * Reads {@code auto}, {@code cpu}, {@code cuda} (the first GPU) or {@code cuda:N}.
   *
   * @throws IllegalArgumentException if it is none of these
   */
  public static DeviceChoice parse(String text) {
    Matcher cuda = CUDA.matcher(text);
    if (cuda.matches()) {
      return new DeviceChoice(
          Kind.CUDA, cuda.group(1) == null ? 0 : Integer.parseInt(cuda.group(1)));
    }
    return switch (text) {
      case "auto" -> AUTO;
      case "cpu" -> CPU;
      default ->
          throw new IllegalArgumentException(
              "the device must be auto, cpu, cuda or cuda:N, not '" + text + "'");
    };
  }

  /** What {@link #parse} reads. */
  @Override
  public String toString() {
    return switch (kind) {
      case AUTO -> "auto";
      case CPU -> "cpu";
      case CUDA -> "cuda:" + index;
    };
  }
}
