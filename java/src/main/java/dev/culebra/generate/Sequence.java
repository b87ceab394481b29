package dev.culebra.generate;

import dev.culebra.backend.RandomKey;
import dev.culebra.tensor.Shape;
import dev.culebra.tensor.Tensor;

/** A text that is being continued, in one of the places of a {@link TokenReader}. */
final class Sequence {
  private final Continuation continuation;
  private final Place place;
  private final int[] window;
  private int length;
  private int drawn;

  /**
   * Where a sequence is read.
   *
   * @param index of the cache
   * @param key of the draws
   * @param drawn I32 (1), the token drawn
   * @param history I32 (H), the last tokens drawn; that of draw n is at n mod H
   */
  record Place(int index, RandomKey key, Tensor drawn, Tensor history) {}

  /** Begins with the end of its prompt. */
  Sequence(Continuation continuation, Place place, int window) {
    this.continuation = continuation;
    this.place = place;
    this.window = new int[window];
    int[] prompt = continuation.prompt();
    length = Math.min(prompt.length, window);
    System.arraycopy(prompt, prompt.length - length, this.window, 0, length);
  }

  Continuation continuation() {
    return continuation;
  }

  Place place() {
    return place;
  }

  /** The last tokens: all of them, up to the size of the window, and then a ring. */
  int[] window() {
    return window;
  }

  /** The number of tokens of the text. */
  int length() {
    return length;
  }

  /** The last token, whose successor is drawn next. */
  int last() {
    return window[(length - 1) % window.length];
  }

  /** I32 (1), the part of the history for the next draw. */
  Tensor slot() {
    Tensor history = place.history();
    return history.slice(drawn % history.elements(), Shape.of(1));
  }

  /** How many tokens have been drawn. */
  int drawn() {
    return drawn;
  }

  boolean isFull() {
    return length == window.length;
  }

  /** Forgets the older half of a full window, so that the rest begins at position 0. */
  void dropOlderHalf() {
    int rest = window.length / 2;
    System.arraycopy(window, length - rest, window, 0, rest);
    length = rest;
  }

  /** Takes a drawn token. */
  void append(int token) {
    window[length % window.length] = token;
    length++;
  }

  /**
   * Passes a drawn token on.
   *
   * @return whether another one is wanted
   */
  boolean accept(int token) {
    drawn++;
    return continuation.onToken().test(token) && drawn < continuation.count();
  }
}
