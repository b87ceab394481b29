package dev.culebra.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DataCommandTest {
  @TempDir Path folder;

  @Test
  void listNamesEveryCorpus() {
    Outcome list = Outcome.of("data", "list");

    assertThat(list.exitCode()).isZero();
    assertThat(list.out().lines().map(line -> line.split(" ")[0]))
        .contains("dickens", "macbeth", "shakespeare");
  }

  @Test
  void showCountsAndQuotesACorpus() {
    Outcome show = Outcome.of("data", "show", "macbeth");

    assertThat(show.exitCode()).isZero();
    assertThat(show.out())
        .contains("characters ")
        .contains("vocabulary ")
        .containsIgnoringCase("The Tragedie of Macbeth");
  }

  @Test
  void showCountsAFileOfTheUser() throws IOException {
    Path file = Files.writeString(folder.resolve("a.txt"), "Hé, hé!\nYes.\n");

    assertThat(Outcome.of("data", "show", file.toString()).out())
        .isEqualTo(
            """
            characters 13
            vocabulary 11 characters
            words      3
            lines      2
            validation the last 10 %

            Hé, hé!
            Yes.
            """);
  }

  @Test
  void showSaysHowManyFilesThereAreAndWhichPartIsForValidation() throws IOException {
    Files.writeString(folder.resolve("a.txt"), "one");
    Files.writeString(folder.resolve("b.jsonl"), "{\"text\": \" two\"}\n");
    String path = folder.toString();

    assertThat(Outcome.of("data", "show", path).out())
        .contains("files      2\n", "validation the last 10 % of every file\n", "\none two\n");
    assertThat(
            Outcome.of("data", "show", path, "--val-split=documents", "--val-fraction=0.25").out())
        .contains("validation 25 % of the documents, drawn at random\n");
    assertThat(Outcome.of("data", "show", path, "--val-data=macbeth").out())
        .contains("validation macbeth\n");
    Outcome.of("data", "show", path, "--val-fraction=1")
        .assertFails(2, "--val-fraction must be above 0 and below 1, not 1.0 .*");
    Outcome.of("data", "show", folder + "/*.md").assertFails(1, "no file matches .*/\\*.md");
  }

  @Test
  void showCountsTokens() throws IOException {
    Path text = Files.writeString(folder.resolve("a.txt"), "abcdefghij".repeat(10));
    Path out = folder.resolve("tokens");
    Outcome.of("data", "prepare", text.toString(), "--out=" + out, "--val-fraction=0.2");

    assertThat(Outcome.of("data", "show", out.toString()).out())
        .isEqualTo(
            """
            files      2
            training   80 tokens
            validation 20 tokens (1 file)
            tokenizer  char (10 tokens)

            %s
            """
                .formatted("abcdefghij".repeat(8)));
  }

  @Test
  void prepareWritesTokensThatTrainCanRead() throws IOException {
    Path text = Files.writeString(folder.resolve("a.txt"), "abcdefghij".repeat(10));
    Path out = folder.resolve("made/here");
    Outcome prepare = Outcome.of("data", "prepare", text.toString(), "--out", out.toString());

    assertThat(prepare.err()).isEmpty();
    assertThat(prepare.exitCode()).isZero();
    assertThat(prepare.out())
        .contains("90 tokens", "10 tokens", "10 in the vocabulary", "culebra train --data " + out);
    assertThat(out.resolve("train.bin")).hasSize(90 * Short.BYTES);
    assertThat(out.resolve("val.bin")).hasSize(10 * Short.BYTES);
    assertThat(out.resolve("tokenizer.json")).isNotEmptyFile();

    String[] again = {"data", "prepare", text.toString(), "--out", out.toString()};
    Outcome.of(again).assertFails(1, ".*here already holds token files: --overwrite replaces them");
    assertThat(out.resolve("train.bin")).hasSize(90 * Short.BYTES);
    assertThat(
            Outcome.of("data", "prepare", text.toString(), "--out=" + out, "--overwrite")
                .exitCode())
        .isZero();
  }

  @Test
  void aFailedPreparationLeavesNoFolder() throws IOException {
    Path text = Files.writeString(folder.resolve("short.txt"), "x");
    Path out = folder.resolve("made");

    Outcome.of("data", "prepare", text.toString(), "--out", out.toString(), "--tokenizer=char")
        .assertFails(1, ".*short.txt has 1 tokens: too few .*");
    assertThat(out).doesNotExist();
  }

  @Test
  void missingDataIsReported() {
    assertThat(Outcome.of("data", "show", "gone.txt"))
        .isEqualTo(
            new Outcome(
                1,
                "",
                "culebra: no such data: gone.txt is neither a file nor one of dickens, macbeth,"
                    + " shakespeare, addition, calculator\n"));
    assertThat(Outcome.of("data", "prepare", "gone.txt", "gone2.txt", "--out", "x"))
        .isEqualTo(new Outcome(1, "", "culebra: no such file: gone.txt\n"));
    assertThat(Outcome.of("data", "prepare", "gone.txt").err())
        .isEqualTo(
            "culebra: missing required option: '--out=DIR' (see: culebra data prepare --help)\n");
    assertThat(Outcome.of("data").exitCode()).isEqualTo(2);
  }

  @Test
  void aTextThatIsNotUtf8IsNamed() throws IOException {
    Path file = Files.write(folder.resolve("latin1.txt"), new byte[] {'a', (byte) 0xE9, 'b'});
    Outcome show = Outcome.of("data", "show", file.toString());

    assertThat(show.exitCode()).isEqualTo(1);
    assertThat(show.out()).isEmpty();
    assertThat(show.err()).matches("culebra: .*latin1.txt.*UTF-8.*\n");
  }

  @Test
  void answersAreShownAndNotPreparedAsText() throws IOException {
    String pair = "{\"prompt\": \"a\", \"completion\": \"b\"}\n";
    Path pairs = Files.writeString(folder.resolve("pairs.jsonl"), pair.repeat(20));
    String message = "{\"role\": \"%s\", \"content\": \"%s\"}";
    String turns = message.formatted("user", "hi") + ", " + message.formatted("assistant", "ho");
    Path talk =
        Files.writeString(
            folder.resolve("talk.jsonl"), "{\"messages\": [%s]}\n".formatted(turns).repeat(10));
    Path text = Files.writeString(folder.resolve("plain.txt"), "plain");

    assertThat(Outcome.of("data", "show", pairs.toString()).out())
        .startsWith(pairs + ": 18 pairs to train on, 2 to validate on, a vocabulary of 3\n\n{")
        .contains("\"completion\": \"b\"");
    assertThat(Outcome.of("data", "show", talk.toString()).out())
        .startsWith(talk + ": 9 conversations to train on, 1 to validate on, ");
    String out = "--out=" + folder.resolve("tokens");
    Outcome.of("data", "prepare", pairs.toString(), out)
        .assertFails(1, ".*pairs.jsonl holds questions and answers, not text");
    Outcome.of("data", "prepare", text.toString(), talk.toString(), out)
        .assertFails(1, ".*talk.jsonl holds questions and answers, not text");
    Outcome.of("tokenizer", "train", talk.toString(), "--vocab=300", out)
        .assertFails(1, ".*talk.jsonl holds questions and answers, not text");
    assertThat(folder.resolve("tokens")).doesNotExist();
  }
}
