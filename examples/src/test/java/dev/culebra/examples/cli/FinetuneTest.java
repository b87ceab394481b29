package dev.culebra.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code culebra train --init-from}. */
class FinetuneTest {
  @TempDir static Path folder;
  private static RunFolder teacher;

  @BeforeAll
  static void teach() throws IOException {
    Path text = write("first.txt", "the cat sat on the mat; a rat ran. ".repeat(60));
    teacher = new RunFolder(folder.resolve("teacher"));
    assertThat(Outcome.of(teacher.train("--data=" + text, "--steps=150", "--lr=1e-2")).exitCode())
        .isZero();
  }

  @Test
  void beginsWithTheWeightsAndTheTokenizerOfTheOtherRun() throws IOException {
    Path text = write("second.txt", "the rat sat on the mat; a cat ran. ".repeat(60));
    RunFolder student = new RunFolder(folder.resolve("student"));
    Outcome outcome = finetune(student, text);
    double uniform = Math.log(teacherVocabulary());

    assertThat(outcome.exitCode()).isZero();
    assertThat(student.steps().getFirst().loss()).isLessThan((float) (uniform / 2));
    assertThat(student.path().resolve("tokenizer.json"))
        .hasSameTextualContentAs(teacher.path().resolve("tokenizer.json"));
    assertThat(student.config().get("embd")).isEqualTo(teacher.config().get("embd"));
    assertThat(student.config().get("data").asText()).isEqualTo(text.toString());
    assertThat(student.config().get("steps").intValue()).isEqualTo(2);
  }

  private static int teacherVocabulary() {
    return "the catsonm;r.".chars().distinct().toArray().length;
  }

  @Test
  void charactersThatTheTeacherNeverSawAreNamed() throws IOException {
    RunFolder student = new RunFolder(folder.resolve("foreign"));

    finetune(student, write("third.txt", "a cat sat on a zoo. ".repeat(60)))
        .assertFails(1, ".*third.txt.*'z' \\(U\\+007A\\).*vocabulary.*");
    assertThat(student.path()).doesNotExist();
  }

  @Test
  void charactersThatTheTeacherNeverSawCanBeLeftOut() throws IOException {
    Path text = write("sixth.txt", "a cat sat on a zoo, ran. ".repeat(60));
    RunFolder student = new RunFolder(folder.resolve("skipping"));

    finetune(student, text)
        .assertFails(1, ".*sixth.txt.*; it does not know 60 × ',', 60 × 'z': --skip-unknown .*");
    Outcome outcome = finetune(student, text, "--skip-unknown");

    assertThat(outcome.exitCode()).as("%s", outcome).isZero();
    assertThat(outcome.err()).contains("without what the model does not know: 60 × ',', 60 × 'z'");
    assertThat(student.config().get("skip_unknown").booleanValue()).isTrue();
    assertThat(Outcome.of("eval", "--run=" + student.path()).exitCode()).isZero();
    student.setSteps(4);
    assertThat(Outcome.of("train", "--resume", "--out=" + student.path()).exitCode()).isZero();
    assertThat(student.lastStep()).isEqualTo(4);
  }

  @Test
  void anotherShapeIsRefused() throws IOException {
    Path text = write("fourth.txt", "a cat sat on a mat. ".repeat(60));
    RunFolder student = new RunFolder(folder.resolve("shape"));

    finetune(student, text, "--layers=1", "--bias")
        .assertFails(
            1,
            "the model of .* has another shape: it has --layers 2 --no-bias, this run --layers 1"
                + " --bias");
    assertThat(student.path()).doesNotExist();
  }

  @Test
  void whatIsNoPartOfTheWeightsMayDiffer() throws IOException {
    Path text = write("seventh.txt", "a cat sat on a mat. ".repeat(60));
    RunFolder rotary = new RunFolder(folder.resolve("rotary"));
    Outcome.of(rotary.train("--data=" + text, "--steps=3", "--positions=rotary", "--kv-heads=2"));
    RunFolder student = new RunFolder(folder.resolve("longer"));

    Outcome outcome =
        Outcome.of(
            "train",
            "--init-from=" + rotary.path(),
            "--out=" + student.path(),
            "--data=" + text,
            "--steps=2",
            "--kv-heads=0",
            "--softcap=30",
            "--dropout=0.1",
            "--context=24");

    assertThat(outcome.exitCode()).as("%s", outcome).isZero();
    assertThat(student.config().get("context").intValue()).isEqualTo(24);
  }

  @Test
  void whatIsNoRunIsNamed() throws IOException {
    RunFolder student = new RunFolder(folder.resolve("orphan"));
    Path text = write("fifth.txt", "a cat sat on a mat. ".repeat(60));
    String out = "--out=" + student.path();

    Outcome.of("train", out, "--init-from=gone").assertFails(1, "no such run directory: gone");
    Outcome.of("train", out, "--init-from=" + folder).assertFails(1, ".* is not a run directory.*");
    Outcome.of("train", out, "--init-from=" + text).assertFails(1, ".*fifth.txt.*");
    assertThat(student.path()).doesNotExist();
  }

  private static Outcome finetune(RunFolder student, Path text, String... flags) {
    String[] args = {
      "train",
      "--init-from=" + teacher.path(),
      "--out=" + student.path(),
      "--data=" + text,
      "--steps=2",
      "--log-every=1",
      "--batch=4",
      "--eval-batches=2"
    };
    String[] all = Arrays.copyOf(args, args.length + flags.length);
    System.arraycopy(flags, 0, all, args.length, flags.length);
    return Outcome.of(all);
  }

  private static Path write(String name, String text) throws IOException {
    return Files.writeString(folder.resolve(name), text);
  }
}
