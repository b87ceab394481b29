package dev.culebra.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Which data a run is trained and validated on, and that it stays the same. */
class DataOptionsTest {
  @TempDir Path folder;
  private Path books;
  private RunFolder run;

  @BeforeEach
  void write() throws IOException {
    books = Files.createDirectory(folder.resolve("books"));
    Files.writeString(books.resolve("a.txt"), "the cat sat on the mat. ".repeat(50));
    Files.writeString(books.resolve("b.txt"), "a dog ran to the log. ".repeat(50));
    run = new RunFolder(folder.resolve("run"));
  }

  private Outcome train(String... flags) {
    Outcome outcome = Outcome.of(run.train(flags));
    assertThat(outcome.exitCode()).as("%s", outcome).isZero();
    return outcome;
  }

  private Outcome resume(String... flags) {
    Stream<String> resume = Stream.of("train", "--resume", "--out", run.path().toString());
    return Outcome.of(Stream.concat(resume, Stream.of(flags)).toArray(String[]::new));
  }

  @Test
  void trainingSaysWhichPartIsForValidation() throws IOException {
    assertThat(train("--data=" + books, "--steps=2", "--val-fraction=0.2").err())
        .startsWith(
            books
                + ": 2 files, 1,840 training tokens, 460 validation tokens (the last 20 % of every"
                + " file), a vocabulary of 15\n");
    assertThat(run.config().get("val_split").asText()).isEqualTo("files");
    assertThat(run.config().get("val_fraction").floatValue()).isEqualTo(0.2f);
    assertThat(Outcome.of("eval", "--run=" + run.path()).out()).contains(" 459 tokens: loss ");
  }

  @Test
  void otherDataForValidationIsFoundAgain() throws IOException {
    Path relative = Path.of("").toAbsolutePath().relativize(books.resolve("b.txt"));
    train("--data=" + books.resolve("a.txt"), "--val-data=" + relative, "--steps=2");

    assertThat(run.config().get("val_data").asText()).isEqualTo(books.resolve("b.txt").toString());
    assertThat(Outcome.of("eval", "--run=" + run.path()).out()).contains(" 1,099 tokens: loss ");
  }

  /** As runs were before their configuration said which part is for validation. */
  @Test
  void anOldRunKeepsTheEndOfAllForValidation() throws IOException {
    String[] flags = {"--data=" + books, "--log-every=1", "--eval-every=1", "--val-split=end"};
    RunFolder whole = new RunFolder(folder.resolve("whole"));
    assertThat(Outcome.of(whole.train(flags, "--steps=6")).exitCode()).isZero();
    train(Stream.concat(Stream.of(flags), Stream.of("--steps=3")).toArray(String[]::new));
    ObjectNode config = (ObjectNode) run.config();
    config.remove(List.of("val_split", "val_fraction", "val_data", "special"));
    config.put("steps", 6).put("warmup", whole.config().get("warmup").asInt());
    Files.writeString(run.path().resolve("config.json"), config.toString());
    Files.writeString(books.resolve("c.jsonl"), "{\"text\": \"not read before\"}\n");

    assertThat(resume("--schedule=constant").exitCode()).isEqualTo(2); // no such change
    assertThat(resume().exitCode()).isZero();
    assertThat(run.steps().stream().map(RunFolder.Step::validationLoss))
        .containsExactlyElementsOf(
            whole.steps().stream().map(RunFolder.Step::validationLoss).toList());
  }

  @Test
  void aRunContinuesWithOtherDataOnlyIfTold() throws IOException {
    train("--data=" + books, "--steps=2");
    Path a = books.resolve("a.txt");
    Files.writeString(a, Files.readString(a).replaceFirst("cat sat", "mat sat"));

    Outcome stopped = resume("--steps=4");
    stopped.assertFails(
        1,
        books
            + " is not as it was when .*run was trained: it has as many tokens, but others or in"
            + " another order; --data-changed continues anyway");
    assertThat(run.config().get("steps").asInt()).isEqualTo(2);

    Files.writeString(a, "the cat sat. ");
    resume("--steps=4")
        .assertFails(1, ".*: it has 1,001 tokens to train on and 112 to validate on, not .*");
    assertThat(resume("--steps=4", "--data-changed").exitCode()).isZero();
    assertThat(resume("--steps=6").exitCode()).isZero(); // that is its data now
  }

  @Test
  void charactersThatAChangedTextBringsAreNamedAfterTheChange() throws IOException {
    train("--data=" + books, "--steps=2");
    Files.writeString(books.resolve("a.txt"), "Zoë");
    for (String flag : List.of("--steps=4", "--data-changed")) {
      resume(flag)
          .assertFails(
              1, books + " is not as it was when .*run was trained: .*'Z'.*; it does not know .*");
    }
    assertThat(run.lastStep()).isEqualTo(2);
  }

  @Test
  void aRunOfConversationsGoesOnWithTheSameOnesAlone() throws IOException {
    String turn =
        "{\"messages\": [{\"role\": \"user\", \"content\": \"ab\"}, {\"role\": \"assistant\","
            + " \"content\": \"%s\"}]}\n";
    Path talk = folder.resolve("talk.jsonl");
    Files.writeString(talk, turn.formatted("abc").repeat(20));
    assertThat(train("--data=" + talk, "--val-fraction=0.25", "--steps=2").err())
        .contains("15 conversations to train on, 5 to validate on");
    assertThat(resume("--steps=4").exitCode()).isZero();

    Files.writeString(talk, turn.formatted("abc").repeat(19) + turn.formatted("cba"));
    resume("--steps=6")
        .assertFails(
            1,
            ".*talk.jsonl is not as it was when .*run was trained: it has as many tokens, .*;"
                + " --data-changed continues anyway");
    assertThat(resume("--steps=6", "--data-changed").exitCode()).isZero();
  }

  /** Five answers of three bytes and a line end, each of which is a token of characters. */
  @Test
  void bitsPerByteOfAnswersCountTheirBytes() throws IOException {
    String turn =
        "{\"messages\": [{\"role\": \"user\", \"content\": \"ab\"}, {\"role\": \"assistant\","
            + " \"content\": \"aé\"}]}\n";
    Path talk = Files.writeString(folder.resolve("talk.jsonl"), turn.repeat(50));
    assertThat(Outcome.of("data", "show", talk.toString(), "--val-fraction=0.3").out())
        .startsWith(
            talk
                + ": 35 conversations to train on, 15 to validate on, in the format plain, a"
                + " vocabulary of 4\n\n{\"messages\": ");
    train("--data=" + talk, "--steps=2");
    String out = Outcome.of("eval", "--run=" + run.path()).out();
    Matcher line =
        Pattern.compile(
                ", 15 tokens of answers: loss ([0-9.]+), perplexity [0-9.]+, ([0-9.]+) bits per"
                    + " byte\n$")
            .matcher(out);
    assertThat(line.find()).as(out).isTrue();
    double bits = Double.parseDouble(line.group(1)) * 15 / Math.log(2) / (5 * 4);
    assertThat(Double.parseDouble(line.group(2))).isCloseTo(bits, within(2e-4));
  }

  @Test
  void aRunContinuesWithACopyOfItsTokens() throws IOException {
    Path tokens = folder.resolve("tokens");
    Outcome.of("data", "prepare", books.toString(), "--out=" + tokens);
    train("--data=" + tokens, "--steps=2");
    for (String name : List.of("train.bin", "val.bin")) { // written at another time
      Files.write(tokens.resolve(name), Files.readAllBytes(tokens.resolve(name)));
    }
    assertThat(resume("--steps=4").exitCode()).isZero();

    byte[] changed = Files.readAllBytes(tokens.resolve("train.bin"));
    changed[500] ^= 1;
    Files.write(tokens.resolve("train.bin"), changed);
    resume("--steps=6")
        .assertFails(1, ".*tokens is not as it was .*--data-changed continues anyway");
  }

  @Test
  void aRunOfAnOlderVersionHasNoChecksum() throws Exception {
    RunFolder old = OldRun.copyTo(folder.resolve("old"));
    ObjectNode config = (ObjectNode) old.config();
    Path other = Files.writeString(folder.resolve("other.txt"), "Enter Macbeth. ".repeat(50));
    Files.writeString(
        old.path().resolve("config.json"), config.put("data", other.toString()).toString());

    assertThat(Outcome.of("train", "--resume", "--out=" + old.path(), "--steps=22").exitCode())
        .isZero();
  }

  @Test
  void specialTokensAreRecognisedIfRequested() throws IOException {
    Path text =
        Files.writeString(folder.resolve("s.txt"), "one two three<|endoftext|>".repeat(100));
    String[] flags = {"--data=" + text, "--tokenizer=gpt2", "--steps=1"};
    assertThat(train(flags).err()).contains("s.txt: 900 training tokens, 100 validation tokens");
    run = new RunFolder(folder.resolve("special"));
    assertThat(
            train(Stream.concat(Stream.of(flags), Stream.of("--special")).toArray(String[]::new))
                .err())
        .contains("s.txt: 360 training tokens, 40 validation tokens");
    assertThat(run.config().get("special").asBoolean()).isTrue();
    assertThat(Outcome.of("eval", "--run=" + run.path()).out()).contains(" 39 tokens: loss ");
  }

  @Test
  void unusableDataFilesAreReportedInOneLine() throws IOException {
    Outcome.of(run.train("--data=" + folder + "/*_train_*.bin"))
        .assertFails(1, "no file matches .*_train_.*");
    Path packed = Files.write(folder.resolve("a.txt.gz"), new byte[] {0x1F, (byte) 0x8B, 8, 0});
    Outcome.of(run.train("--data=" + packed))
        .assertFails(1, ".*a.txt.gz is damaged: gzip cannot unpack it: it is cut off");
    Path shards = Files.createDirectory(folder.resolve("shards"));
    Files.write(shards.resolve("x_train_1.bin"), new byte[200]);
    Outcome.of(run.train("--data=" + shards))
        .assertFails(1, ".*shards holds only token files for training .*: one for validation .*");
    Files.write(shards.resolve("x_val_1.bin"), new byte[0]);
    Outcome.of(run.train("--data=" + shards)).assertFails(1, ".*x_val_1.bin holds no tokens");
    Outcome.of(run.train("--data=" + books, "--val-data=gone"))
        .assertFails(1, "no such data: gone .*");
    Outcome.of(run.train("--data=" + books, "--val-split=documents", "--val-fraction=0.01"))
        .assertFails(1, ".*books: too few documents to hold out 1 % .*: 2");
    Outcome.of(run.train("--data=addition", "--val-fraction=0.2"))
        .assertFails(1, "addition-2 has a validation part of its own: .*");
    Outcome.of(run.train("--data=" + books, "--val-fraction=1"))
        .assertFails(2, "--val-fraction must be above 0 and below 1, not 1.0 .*");
    Outcome.of(run.train("--data=" + books, "--data-changed"))
        .assertFails(2, "--data-changed goes with --resume only .*");
    Outcome.of(run.train("--data=" + books, "--special"))
        .assertFails(
            2, "--special needs a tokenizer with special tokens: char \\(15 tokens\\) has none .*");
    Outcome.of(run.train("--data=addition", "--special"))
        .assertFails(2, "--special is for texts, which addition is not .*");
    Outcome.of("data", "prepare", books.toString(), "--special", "--out=" + run.path())
        .assertFails(2, "--special needs a tokenizer with special tokens: char .* has none .*");
    assertThat(run.path()).doesNotExist();
  }

  @Test
  void aPromptHasSpecialTokensOnlyIfTheTokenizerHas() {
    train("--data=" + books, "--steps=1");
    Outcome.of("sample", "--run=" + run.path(), "--prompt=the", "--special")
        .assertFails(2, "--special needs a tokenizer with special tokens: char .* has none .*");
    Outcome.of("tokenizer", "show", run.path().toString(), "--text=the", "--special")
        .assertFails(2, "--special needs a tokenizer with special tokens: char .* has none .*");
  }
}
