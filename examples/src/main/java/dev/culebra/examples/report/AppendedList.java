package dev.culebra.examples.report;

import java.util.Arrays;
import java.util.List;

/**
 * A list that one thread appends to and any thread reads, without locks: appended elements never
 * move.
 */
final class AppendedList<E> {
  private static final int FIRST_ROOM = 64;

  /** Elements up to {@link #size} are never rewritten, except the last. */
  private volatile Object[] elements;

  /** Written after the elements, read before them. */
  private volatile int size;

  /** Starts with the elements of {@code start}. */
  AppendedList(List<E> start) {
    elements = Arrays.copyOf(start.toArray(), Math.max(FIRST_ROOM, 2 * start.size()));
    size = start.size();
  }

  void add(E element) {
    int end = size;
    Object[] room = elements;
    if (end == room.length) {
      room = Arrays.copyOf(room, 2 * end); // rare: an element costs two copies on average
      elements = room;
    }
    room[end] = element;
    size = end + 1;
  }

  /** Replaces the last element, which must exist. */
  void replaceLast(E element) {
    Object[] room = elements.clone();
    room[size - 1] = element;
    elements = room;
  }

  /** The last element, or null. */
  E last() {
    int end = size;
    return end == 0 ? null : element(elements[end - 1]);
  }

  /** A copy of the current elements. */
  @SuppressWarnings("unchecked") // only E are added
  List<E> copy() {
    int end = size;
    return List.of((E[]) Arrays.copyOf(elements, end));
  }

  @SuppressWarnings("unchecked")
  private E element(Object object) {
    return (E) object;
  }
}
