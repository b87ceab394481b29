package dev.culebra.cuda;

/** Explains errors of {@code cuInit} to users. */
final class CuInitErrors {
  private CuInitErrors() {}

  static String meaning(int status) {
    return switch (status) {
      case 100 -> " (no GPU)";
      case 803 -> " (the driver's parts have different versions)";
      case 804 -> " (the driver is too old for this libcuda)";
      case 999 -> " (unknown: often a driver that needs a restart)";
      default -> "";
    };
  }
}
