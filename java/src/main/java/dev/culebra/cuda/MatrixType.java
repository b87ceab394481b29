package dev.culebra.cuda;

/** Element types of matrices, with their numbers in cudaDataType. */
public enum MatrixType {
  F32(0, 4),
  BF16(14, 2);

  private final int number;
  private final int bytes;

  MatrixType(int number, int bytes) {
    this.number = number;
    this.bytes = bytes;
  }

  int number() {
    return number;
  }

  /** Size of an element. */
  public int bytes() {
    return bytes;
  }
}
