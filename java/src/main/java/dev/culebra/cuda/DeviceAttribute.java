package dev.culebra.cuda;

/** The attributes of a GPU that Culebra asks for, with their numbers in CUdevice_attribute. */
public enum DeviceAttribute {
  MULTIPROCESSORS(16),
  CAPABILITY_MAJOR(75),
  CAPABILITY_MINOR(76),
  /** Shared memory that the blocks of a multiprocessor have between them, in bytes. */
  SHARED_BYTES_OF_A_MULTIPROCESSOR(81),
  /** Shared memory that a block may ask for, in bytes. */
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
