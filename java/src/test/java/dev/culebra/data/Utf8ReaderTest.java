package dev.culebra.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class Utf8ReaderTest {
  /** Hands out few bytes at a time, so that characters and line ends fall between two reads. */
  private static final class Trickle extends ByteArrayInputStream {
    private final int step;

    Trickle(byte[] bytes, int step) {
      super(bytes);
      this.step = step;
    }

    @Override
    public synchronized int read(byte[] to, int offset, int length) {
      return super.read(to, offset, Math.min(step, length));
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 5, 1000})
  void readsAnyTextInAnyPieces(int step) throws IOException {
    String text = "\uFEFFnaïve\r\n日本🐍\r\r\n\n\rend\uFEFF\r";
    List<String> pieces = new ArrayList<>();
    Utf8Reader.read(new Trickle(text.getBytes(StandardCharsets.UTF_8), step), "name", pieces::add);
    assertThat(String.join("", pieces)).isEqualTo("naïve\n日本🐍\r\n\n\rend\uFEFF\r");
    assertThat(pieces)
        .allSatisfy(piece -> assertThat(piece).satisfies(p -> assertThat(endsInPair(p)).isFalse()));
  }

  @Test
  void readsMoreThanItsBuffer() throws IOException {
    String text = "日本🐍x\r\n".repeat(100_000);
    assertThat(read(text.getBytes(StandardCharsets.UTF_8))).isEqualTo(text.replace("\r\n", "\n"));
  }

  @Test
  void anEmptyFileIsAnEmptyText() throws IOException {
    assertThat(read(new byte[0])).isEmpty();
    assertThat(read("\uFEFF".getBytes(StandardCharsets.UTF_8))).isEmpty();
  }

  @Test
  void namesTheByteThatIsWrong() {
    byte[] latin1 = "caf\u00E9 au lait".getBytes(StandardCharsets.ISO_8859_1);
    assertThatThrownBy(() -> read(latin1))
        .isInstanceOf(DataException.class)
        .hasMessage("book.txt is not valid UTF-8 at byte 3: save it as UTF-8");
  }

  @Test
  void namesTheByteFarIntoTheFile() {
    byte[] bytes = "é".repeat(400_000).getBytes(StandardCharsets.UTF_8);
    bytes[700_000] = (byte) 0xFF;
    assertThatThrownBy(() -> read(bytes))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("at byte 700000:");
  }

  @Test
  void aTruncatedCharacterAtTheEndIsReported() {
    assertThatThrownBy(() -> read(new byte[] {'a', (byte) 0xF0, (byte) 0x9F}))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("at byte 1:");
  }

  @Test
  void anErrorOfTheDiskNamesTheFile() {
    InputStream broken =
        new InputStream() {
          @Override
          public int read() throws IOException {
            throw new IOException("Input/output error");
          }
        };
    assertThatThrownBy(() -> Utf8Reader.read(broken, "book.txt", _ -> {}))
        .isInstanceOf(IOException.class)
        .hasMessage("cannot read book.txt: Input/output error");
  }

  private static boolean endsInPair(String piece) {
    return Character.isHighSurrogate(piece.charAt(piece.length() - 1));
  }

  private static String read(byte[] bytes) throws IOException {
    StringBuilder text = new StringBuilder();
    Utf8Reader.read(new ByteArrayInputStream(bytes), "book.txt", text::append);
    return text.toString();
  }
}
