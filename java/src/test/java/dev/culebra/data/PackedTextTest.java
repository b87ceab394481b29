package dev.culebra.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Texts that gzip packed, and {@code .jsonl} in folders. */
class PackedTextTest {
  @TempDir Path directory;

  private Path pack(String name, String text) throws IOException {
    Path file = directory.resolve(name);
    try (OutputStream out =
        new GZIPOutputStream(
            Files.newOutputStream(file, StandardOpenOption.CREATE, StandardOpenOption.APPEND))) {
      out.write(text.getBytes(StandardCharsets.UTF_8));
    }
    return file;
  }

  @Test
  void aPackedFileIsReadAsItsText() throws IOException {
    String text = "wörld\n".repeat(100_000);
    assertThat(TextFiles.of(pack("a.txt.gz", text)).readAll()).isEqualTo(text);
    assertThat(TextFiles.of(pack("named-otherwise", "x")).readAll()).isEqualTo("x");
    pack("two.txt.gz", "one, ");
    assertThat(TextFiles.of(pack("two.txt.gz", "two")).readAll()).isEqualTo("one, two");
    Path plain = Files.writeString(directory.resolve("unpacked-already.gz"), "plain");
    assertThat(TextFiles.of(plain).readAll()).isEqualTo("plain");
  }

  @Test
  void aFolderMayHoldAnyOfThem() throws IOException {
    pack("a.txt.gz", "1");
    pack("b.jsonl.gz", "{\"text\": \"2\"}\n{\"text\": \"3\"}\n");
    Files.writeString(directory.resolve("c.jsonl"), "\uFEFF{\"text\": \"4\"}\r\n");
    Files.writeString(directory.resolve("d.MD"), "5");
    pack("e.png.gz", "x");
    TextFiles text = TextFiles.of(directory);
    assertThat(text.readAll()).isEqualTo("12345");
    assertThat(text.fileCount()).isEqualTo(4);
  }

  @Test
  void aJsonlInAFolderHoldsDocuments() throws IOException {
    Path pairs = directory.resolve("pairs.jsonl");
    Files.writeString(pairs, "{\"prompt\": \"a\", \"completion\": \"b\"}\n");
    assertThatThrownBy(() -> TextFiles.of(directory).readAll())
        .isInstanceOf(DataException.class)
        .hasMessage("%s:1: needs a text as \"text\"", pairs);
  }

  @Test
  void packedPairsAreRead() throws IOException {
    String pair = "{\"prompt\": \"a\", \"completion\": \"b\"}\n";
    Path file = pack("pairs.jsonl.gz", pair.repeat(3));
    Corpora corpora = new Corpora(directory);
    try (Dataset pairs = corpora.dataset(DataSpec.of(file.toString()), TokenizerChoice.CHAR)) {
      assertThat(pairs).isInstanceOf(PromptPairs.class);
    }
  }

  @Test
  void damageIsReportedInOneLine() throws IOException {
    byte[] whole = Files.readAllBytes(pack("a.txt.gz", "some text, and more of it\n".repeat(99)));
    Path cut = Files.write(directory.resolve("cut.gz"), Arrays.copyOf(whole, whole.length / 2));
    assertThatThrownBy(() -> TextFiles.of(cut).readAll())
        .isInstanceOf(DataException.class)
        .hasMessage("%s is damaged: gzip cannot unpack it: it is cut off", cut);
    Path stump = Files.write(directory.resolve("stump.gz"), Arrays.copyOf(whole, 5));
    assertThatThrownBy(() -> TextFiles.of(stump).readAll())
        .isInstanceOf(DataException.class)
        .hasMessage("%s is damaged: gzip cannot unpack it: it is cut off", stump);
    byte[] changed = whole.clone();
    changed[whole.length - 6] ^= 1; // of its checksum
    Path bad = Files.write(directory.resolve("bad.jsonl.gz"), changed);
    assertThatThrownBy(() -> TextFiles.of(bad).readAll())
        .isInstanceOf(DataException.class)
        .hasMessage("%s is damaged: gzip cannot unpack it: Corrupt GZIP trailer", bad);
  }

  @Test
  void aLineThatIsTooLongForMemoryIsNamed() throws IOException {
    Path file = directory.resolve("long.jsonl");
    String most = "x".repeat(BoundedLines.LONGEST - "{\"text\": \"\"}".length());
    Files.writeString(file, "{\"text\": \"%s\"}\n{\"text\": \"%sx\"}\n".formatted(most, most));
    long[] read = {0};
    assertThatThrownBy(() -> TextFiles.of(file).read(piece -> read[0] += piece.length()))
        .isInstanceOf(DataException.class)
        .hasMessage(
            "%s:2: has more than %,d characters: divide it into several documents",
            file, BoundedLines.LONGEST);
    assertThat(read[0]).isEqualTo(most.length());
  }
}
