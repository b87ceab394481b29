package dev.culebra.cuda;

/** The GPU attributes that Culebra reads, with their numbers in CUdevice_attribute. */
public enum DeviceAttribute {
  MULTIPROCESSORS(16),
  CAPABILITY_MAJOR(75),
  CAPABILITY_MINOR(76),
  /** Shared memory of a multiprocessor for all its blocks, in bytes. */
  SHARED_BYTES_OF_A_MULTIPROCESSOR(81),
  /** The most shared memory that a block may request, in bytes. */
  SHARED_BYTES_OF_A_BLOCK(97);

  private final int number;

  DeviceAttribute(int number) {
    this.number = number;
  }

  /** Its number in CUdevice_attribute. */
  public int number() {
    return number;
  }
}
