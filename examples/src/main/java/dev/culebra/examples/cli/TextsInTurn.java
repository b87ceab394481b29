package dev.culebra.examples.cli;

import java.util.ArrayList;
import java.util.List;

/**
 * Prints texts one after another while they are written side by side: the first that has not ended
 * as it grows, the others, kept until then, when it is their turn.
 */
final class TextsInTurn {
  private final String between;
  private final List<Text> texts = new ArrayList<>();
  private int printing;
  private boolean stopping;
  private boolean stopped;
  private WordWrap out;

  /**
   * @param between printed between two texts
   */
  TextsInTurn(String between) {
    this.between = between;
  }

  /** A text, which comes after those that were begun before it. */
  final class Text {
    private final StringBuilder kept = new StringBuilder();
    private boolean ended;

    private Text() {}

    /** Adds to its end; returns whether somebody still reads. */
    boolean print(String piece) {
      if (stopped) {
        return false;
      }
      if (texts.get(printing) == this) {
        out.print(piece);
      } else {
        kept.append(piece);
      }
      return !System.out.checkError();
    }

    /** Nothing follows. */
    void end() {
      ended = true;
      while (!stopped && printing < texts.size() && texts.get(printing).ended) {
        out.finish();
        stopped = stopping;
        printing++;
        if (!stopped) {
          turn();
        }
      }
    }
  }

  /** The text that is being printed is the last one; those kept are not shown. */
  void stop() {
    stopping = true;
  }

  /** Begins a text with {@code start}. */
  Text begin(String start) {
    Text text = new Text();
    text.kept.append(start);
    texts.add(text);
    if (texts.size() - 1 == printing) {
      turn();
    }
    return text;
  }

  /** Begins to print the text whose turn it is, if it was begun. */
  private void turn() {
    if (printing < texts.size()) {
      System.out.print(printing == 0 ? "" : between);
      Text text = texts.get(printing);
      out = WordWrap.ofOutput().print(text.kept.toString());
      text.kept.setLength(0);
    }
  }
}
