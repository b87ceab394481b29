package dev.culebra.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class WordWrapTest {
  @ParameterizedTest
  @CsvSource({
    "0, 'one two three four', 'one two three four'",
    "9, 'one two three four', 'one two|three|four'",
    "13, 'one two three four', 'one two three|four'",
    "9, 'one two|three|', 'one two|three|'",
    "9, '  one   two  ', '  one|two  '",
    "4, 'abcdefgh ij k', 'abcdefgh|ij k'",
    "4, 'ab abcdefgh', 'ab|abcdefgh'",
    "3, 'ééé ée\u0301', 'ééé|ée\u0301'",
    "5, 'a||b', 'a||b'",
  })
  void breaksBetweenWords(int columns, String text, String shown) {
    assertThat(wrapped(columns, text, text.length())).isEqualTo(shown + "|");
    assertThat(wrapped(columns, text, 1)).isEqualTo(shown + "|");
  }

  /** Line ends as {@code |}; the text comes in pieces of {@code piece} characters. */
  private static String wrapped(int columns, String text, int piece) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    WordWrap wrap = new WordWrap(new PrintStream(bytes, true, StandardCharsets.UTF_8), columns);
    for (int from = 0; from < text.length(); from += piece) {
      wrap.print(text.substring(from, Math.min(text.length(), from + piece)).replace('|', '\n'));
    }
    wrap.finish();
    return bytes.toString(StandardCharsets.UTF_8).replace('\n', '|');
  }
}
