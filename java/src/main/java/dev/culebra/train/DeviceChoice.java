package dev.culebra.train;

import dev.culebra.options.ValueType;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The device a user asks for.
 *
 * @param kind the kind of device
 * @param index the number of the GPU, from 0; 0 for other kinds
 */
public record DeviceChoice(Kind kind, int index) {
  private static final Pattern CUDA = Pattern.compile("cuda(?::(\\d{1,4}))?");

  /** Kinds of devices. */
  public enum Kind {
    /** A GPU if a usable one is present, otherwise the CPU. */
    AUTO,
    CPU,
    CUDA
  }

  /** The text form of a choice. */
  static final ValueType<DeviceChoice> TYPE =
      ValueType.of(DeviceChoice.class, "auto, cpu, cuda or cuda:N", DeviceChoice::parse);

  public static final DeviceChoice AUTO = new DeviceChoice(Kind.AUTO, 0);
  public static final DeviceChoice CPU = new DeviceChoice(Kind.CPU, 0);

  /**
   * Reads {@code auto}, {@code cpu}, {@code cuda} (the first GPU) or {@code cuda:N}, in any case.
   *
   * @throws IllegalArgumentException for any other text
   */
  public static DeviceChoice parse(String text) {
    String name = text.toLowerCase(Locale.ROOT);
    Matcher cuda = CUDA.matcher(name);
    if (cuda.matches()) {
      return new DeviceChoice(
          Kind.CUDA, cuda.group(1) == null ? 0 : Integer.parseInt(cuda.group(1)));
    }
    return switch (name) {
      case "auto" -> AUTO;
      case "cpu" -> CPU;
      default ->
          throw new IllegalArgumentException(
              "the device must be auto, cpu, cuda or cuda:N, not '" + text + "'");
    };
  }

  /** The text that {@link #parse} reads back. */
  @Override
  public String toString() {
    return switch (kind) {
      case AUTO -> "auto";
      case CPU -> "cpu";
      case CUDA -> "cuda:" + index;
    };
  }
}
