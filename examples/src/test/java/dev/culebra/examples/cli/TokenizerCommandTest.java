package dev.culebra.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TokenizerCommandTest {
  @TempDir Path folder;

  private Path trained(String name, String... flags) {
    Path out = folder.resolve(name);
    String[] line = {"tokenizer", "train", "macbeth", "--vocab=400", "--out=" + out};
    Outcome train = Outcome.of(concat(line, flags));
    assertThat(train.err()).isEmpty();
    assertThat(train.exitCode()).isZero();
    assertThat(train.out())
        .contains("400 tokens  " + out.resolve("tokenizer.json"), "--tokenizer " + out);
    return out;
  }

  private static String[] concat(String[] head, String... tail) {
    String[] all = java.util.Arrays.copyOf(head, head.length + tail.length);
    System.arraycopy(tail, 0, all, head.length, tail.length);
    return all;
  }

  @Test
  void trainingIsDeterministicAndItsRulesDiffer() throws IOException {
    byte[] once = Files.readAllBytes(trained("a").resolve("tokenizer.json"));
    assertThat(trained("b").resolve("tokenizer.json")).hasBinaryContent(once);
    assertThat(Files.readAllBytes(trained("c", "--pre-tokenizer=llama3").resolve("merges.txt")))
        .isNotEqualTo(Files.readAllBytes(folder.resolve("a/merges.txt")));
  }

  @Test
  void aRunCarriesItsTokenizer() throws IOException {
    Path tokenizer = trained("tokenizer");
    RunFolder run = new RunFolder(folder.resolve("run"));
    Outcome train =
        Outcome.of(run.train("--data=macbeth", "--steps=4", "--tokenizer=" + tokenizer));
    assertThat(train.exitCode()).as(train.err()).isZero();
    String before = Outcome.of("eval", "--run=" + run.path()).out();
    assertThat(Files.readString(run.path().resolve("config.json"))).contains("\"bpe\"");
    try (var files = Files.list(tokenizer)) {
      files.forEach(file -> assertThat(file.toFile().delete()).isTrue());
    }

    assertThat(Outcome.of("eval", "--run=" + run.path()).out()).isEqualTo(before).isNotEmpty();
    Outcome sample =
        Outcome.of(
            "sample", "--run=" + run.path(), "--prompt=Enter Macbeth", "--tokens=5", "--seed=1");
    assertThat(sample.out()).startsWith("Enter Macbeth");
    assertThat(Outcome.of("train", "--resume", "--out=" + run.path(), "--steps=6").exitCode())
        .isZero();
    assertThat(Outcome.of("tokenizer", "show", run.path().toString()).out())
        .contains("400", "gpt2", "0 <|endoftext|>");
  }

  @Test
  void preparedTokensAlsoCarryIt() {
    Path tokenizer = trained("tokenizer");
    Path tokens = folder.resolve("tokens");
    Outcome prepare =
        Outcome.of("data", "prepare", "macbeth", "--out=" + tokens, "--tokenizer=" + tokenizer);
    assertThat(prepare.out()).as(prepare.err()).contains("400 in the vocabulary");
    RunFolder run = new RunFolder(folder.resolve("run"));
    assertThat(Outcome.of(run.train("--data=" + tokens, "--steps=2")).exitCode()).isZero();
    assertThat(Outcome.of("tokenizer", "show", run.path().toString()).out()).contains("bpe");
  }

  /** Documents of one word: the model learns that the end of text follows. */
  @Test
  void aSampleEndsWhereTheModelEndsItsText() throws IOException {
    Path texts = Files.writeString(folder.resolve("a.jsonl"), "{\"text\": \"b\"}\n".repeat(400));
    RunFolder run = new RunFolder(folder.resolve("run"));
    Outcome train =
        Outcome.of(
            run.train(
                "--data=" + texts,
                "--steps=200",
                "--no-tied-head",
                "--lr=3e-3",
                "--tokenizer=" + trained("tokenizer")));
    assertThat(train.exitCode()).as(train.err()).isZero();
    String[] sample = {
      "sample", "--run=" + run.path(), "--prompt=b", "--tokens=3", "--temperature=0"
    };

    assertThat(Outcome.of(sample).out()).isEqualTo("b\n");
    assertThat(Outcome.of(concat(sample, "--ignore-eos")).out())
        .isEqualTo("b<|endoftext|>b<|endoftext|>\n");
    assertThat(
            Outcome.of(
                    "sample",
                    "--run=" + run.path(),
                    "--prompt=<|endoftext|>",
                    "--special",
                    "--tokens=9",
                    "--temperature=0")
                .out())
        .isEqualTo("<|endoftext|>b\n");
  }

  @Test
  void showEncodesAText() {
    Path tokenizer = trained("tokenizer");
    String directory = tokenizer.toString();
    Outcome plain = Outcome.of("tokenizer", "show", directory, "--text=the <|endoftext|>\n");
    Outcome special =
        Outcome.of("tokenizer", "show", directory, "--text=the <|endoftext|>", "--special");

    assertThat(plain.out()).doesNotContain(" 0\n").endsWith("|>|\\n\n");
    assertThat(special.out()).endsWith(" 0\nth|e| |<|endoftext|>\n");
  }

  @Test
  void mistakesAreReportedInOneLine() throws IOException {
    Path tokenizer = trained("tokenizer");
    Outcome.of("tokenizer", "train", "macbeth", "--vocab=300", "--out=" + tokenizer)
        .assertFails(
            1, ".*tokenizer already holds files of a tokenizer: --overwrite replaces them");
    Outcome.of("tokenizer", "train", "macbeth", "--vocab=256", "--out=" + folder.resolve("x"))
        .assertFails(2, "--vocab must be at least 257, not 256 .*");
    Outcome.of("tokenizer", "train", "gone.txt", "--vocab=300", "--out=" + folder.resolve("x"))
        .assertFails(1, "no such data: gone.txt .*");
    Outcome.of("tokenizer", "show", folder.toString())
        .assertFails(1, ".* holds no tokenizer: neither tokenizer.json nor vocab.json .*");
    Outcome.of("tokenizer").assertFails(2, "missing command: train or show .*");
    Path short_ = Files.writeString(folder.resolve("short.txt"), "abab");
    assertThat(
            Outcome.of(
                    "tokenizer",
                    "train",
                    short_.toString(),
                    "--vocab=300",
                    "--out=" + folder.resolve("s"))
                .out())
        .contains("258 tokens", "Fewer than requested");
  }
}
