package dev.culebra.cuda;

/**
 * Matrix products of one shape, whose operands are at regular distances.
 *
 * @param first the first product
 * @param count number of products
 * @param nextA elements from one A to the next
 * @param nextB elements from one B to the next
 * @param nextC elements from one C to the next
 */
public record GemmBatch(GemmCall first, int count, long nextA, long nextB, long nextC) {

  /** For messages. */
  @Override
  public String toString() {
    return "%d of %s".formatted(count, first);
  }
}
