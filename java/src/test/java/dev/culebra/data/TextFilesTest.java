package dev.culebra.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TextFilesTest {
  @TempDir Path directory;

  @Test
  void aFileOfAnyName() throws IOException {
    Path file = write("poem", "roses");
    TextFiles text = TextFiles.of(file);
    assertThat(text.name()).isEqualTo(file.toString());
    assertThat(text.readAll()).isEqualTo("roses");
  }

  @Test
  void aDirectoryInOrderOfPathsWithoutOtherFiles() throws IOException {
    write("b.txt", "2");
    write("a/z.md", "1");
    write("c/d/e.TEXT", "3");
    write("picture.png", "x");
    write(".hidden.txt", "x");
    write(".git/note.txt", "x");
    Files.createDirectory(directory.resolve("folder.txt"));
    assertThat(TextFiles.of(directory).readAll()).isEqualTo("123");
  }

  @Test
  void aHiddenDirectoryCanBeAskedFor() throws IOException {
    write(".notes/a.txt", "1");
    assertThat(TextFiles.of(directory.resolve(".notes")).readAll()).isEqualTo("1");
  }

  @Test
  void severalInTheOrderGiven() throws IOException {
    Path b = write("b.txt", "\uFEFF2");
    Path a = write("a.txt", "\uFEFF1");
    TextFiles text = TextFiles.of(List.of(b, a));
    assertThat(text.readAll()).isEqualTo("21");
    assertThat(text.name()).isEqualTo(b + " and 1 more");
    assertThat(text.files()).containsExactly(b, a);
  }

  @Test
  void whatIsMissingIsReportedInOneLine() throws IOException {
    Path missing = directory.resolve("missing.txt");
    assertThatThrownBy(() -> TextFiles.of(missing))
        .isInstanceOf(DataException.class)
        .hasMessage("no such file: %s", missing);
    assertThatThrownBy(() -> TextFiles.of(directory))
        .isInstanceOf(DataException.class)
        .hasMessage(
            "no text files in %s: their names must end in .txt, .text, .md, .jsonl, or in one of these"
                + " and .gz",
            directory);
    assertThatThrownBy(() -> TextFiles.of(List.of())).hasMessage("no text file is named");
  }

  @Test
  void invalidUtf8NamesTheFile() throws IOException {
    write("a.txt", "fine");
    Path bad = directory.resolve("b.txt");
    Files.write(bad, new byte[] {'o', 'k', (byte) 0x80});
    assertThatThrownBy(() -> TextFiles.of(directory).readAll())
        .isInstanceOf(DataException.class)
        .hasMessage("%s is not valid UTF-8 at byte 2: save it as UTF-8", bad);
  }

  @Test
  void countsFacts() throws IOException {
    Path file = write("a.txt", "To be,\nor not 🐍\nto be");
    assertThat(TextFacts.of(TextFiles.of(file))).isEqualTo(new TextFacts(21, 11, 7, 3));
    assertThat(TextFacts.of(TextSource.of("nothing", ""))).isEqualTo(new TextFacts(0, 0, 0, 0));
    assertThat(TextFacts.of(TextSource.of("ended", "a\n"))).isEqualTo(new TextFacts(2, 2, 1, 1));
  }

  private Path write(String name, String text) throws IOException {
    Path file = directory.resolve(name);
    Files.createDirectories(file.getParent());
    return Files.writeString(file, text);
  }
}
