package dev.culebra.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class NamedCorpusTest {
  @TempDir Path cache;

  @Test
  void dickensIsAWholeNovel() throws IOException {
    TextSource text = NamedCorpus.DICKENS.text(cache);
    assertThat(text.name()).isEqualTo("dickens");
    assertThat(text.readAll().substring(0, 23)).isEqualTo("The Old Curiosity Shop\n");
    assertThat(TextFacts.of(text)).isEqualTo(new TextFacts(1_214_976, 77, 215_977, 23_665));
  }

  @Test
  void macbethHasUnixLineEnds() throws IOException {
    TextSource text = NamedCorpus.MACBETH.text(cache);
    assertThat(text.readAll())
        .startsWith("The Tragedie of Macbeth\n\nActus Primus.")
        .doesNotContain("\r");
    assertThat(TextFacts.of(text)).isEqualTo(new TextFacts(100_320, 65, 17_737, 3_285));
  }

  /** Only where somebody has put the file: tests do not need a network. */
  @Test
  void shakespeareComesFromTheCache() throws IOException {
    Path copy = Path.of("../../shared/data/tinyshakespeare/input.txt");
    assumeTrue(Files.exists(copy), "no copy of Tiny Shakespeare here");
    Files.copy(copy, cache.resolve("tinyshakespeare.txt"));
    TextSource text = NamedCorpus.SHAKESPEARE.text(cache);
    assertThat(text.name()).isEqualTo("shakespeare");
    assertThat(TextFacts.of(text)).isEqualTo(new TextFacts(1_115_394, 65, 202_651, 40_000));
  }

  @Test
  void corporaAreFoundByName() {
    for (NamedCorpus corpus : NamedCorpus.values()) {
      assertThat(NamedCorpus.find(corpus.label())).contains(corpus);
      assertThat(corpus.licence()).startsWith("public domain");
    }
    assertThat(NamedCorpus.find("DICKENS")).isEmpty();
    assertThat(NamedCorpus.MACBETH.source())
        .isEqualTo("shakes.txt in org.apache.crunch:crunch-test:0.15.0");
    assertThat(NamedCorpus.SHAKESPEARE.source()).startsWith("https://").endsWith("/input.txt");
  }
}
