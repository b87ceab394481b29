package dev.culebra.examples.report;

import java.util.Arrays;
import java.util.List;

/**
 * A list that one thread appends to and any reads, none of which waits for another: what was
 * appended stays where it is.
 */
final class AppendedList<E> {
  private static final int FIRST_ROOM = 64;

  /** Its elements up to {@link #size} are never written again, but for the last. */
  private volatile Object[] elements;

  /** Written after the elements, read before them. */
  private volatile int size;

  /** Begins with {@code start}. */
  AppendedList(List<E> start) {
    elements = Arrays.copyOf(start.toArray(), Math.max(FIRST_ROOM, 2 * start.size()));
    size = start.size();
  }

  void add(E element) {
    int end = size;
    Object[] room = elements;
    if (end == room.length) {
      room = Arrays.copyOf(room, 2 * end); // seldom: a row costs two copies on average
      elements = room;
    }
    room[end] = element;
    size = end + 1;
  }

  /** Says {@code element} in the place of the last; there must be one. */
  void replaceLast(E element) {
    Object[] room = elements.clone();
    room[size - 1] = element;
    elements = room;
  }

  /** The last, or null. */
  E last() {
    int end = size;
    return end == 0 ? null : element(elements[end - 1]);
  }

  /** A copy of what there is now. */
  @SuppressWarnings("unchecked") // only E are put in
  List<E> copy() {
    int end = size;
    return List.of((E[]) Arrays.copyOf(elements, end));
  }

  @SuppressWarnings("unchecked")
  private E element(Object object) {
    return (E) object;
  }
}
