package dev.culebra.data;

import dev.culebra.text.CharTokenizer;
import java.io.IOException;
import java.util.Arrays;
import java.util.TreeMap;
import java.util.stream.Collectors;

/** A text without the characters that a vocabulary lacks; records which ones. */
final class KnownCharacters implements TextSource {
  private final TextSource text;
  private final int[] vocabulary;
  private final TreeMap<Integer, Long> leftOut = new TreeMap<>();

  KnownCharacters(TextSource text, CharTokenizer tokenizer) {
    this.text = text;
    this.vocabulary = tokenizer.vocabulary();
    Arrays.sort(vocabulary);
  }

  @Override
  public String name() {
    return text.name();
  }

  @Override
  public int fileCount() {
    return text.fileCount();
  }

  @Override
  public void read(Sink sink) throws IOException {
    leftOut.clear();
    text.read(
        new Sink() {
          @Override
          public void accept(String piece) throws IOException {
            StringBuilder known = new StringBuilder(piece.length());
            piece.codePoints().forEach(character -> keep(known, character));
            sink.accept(known.toString());
          }

          @Override
          public void endDocument() throws IOException {
            sink.endDocument();
          }

          @Override
          public void endFile() throws IOException {
            sink.endFile();
          }
        });
  }

  private void keep(StringBuilder known, int character) {
    if (Arrays.binarySearch(vocabulary, character) >= 0) {
      known.appendCodePoint(character);
    } else {
      leftOut.merge(character, 1L, Long::sum);
    }
  }

  /**
   * The characters skipped in the last reading: {@code 12 × '&', 3 × U+0009}; empty if there were
   * none.
   */
  String leftOut() {
    return leftOut.entrySet().stream()
        .map(entry -> "%,d × %s".formatted(entry.getValue(), describe(entry.getKey())))
        .collect(Collectors.joining(", "));
  }

  private static String describe(int character) {
    return Character.isLetterOrDigit(character) || (character > ' ' && character < 0x7F)
        ? "'" + Character.toString(character) + "'"
        : "U+%04X".formatted(character);
  }
}
