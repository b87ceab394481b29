package dev.culebra.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.culebra.checkpoint.Safetensors;
import dev.culebra.data.TokenizerFile;
import dev.culebra.tensor.DType;
import dev.culebra.tensor.Shape;
import dev.culebra.text.CharTokenizer;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Objects;
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
  void startsWithTheWeightsAndTheTokenizerOfTheOtherRun() throws IOException {
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
  void charactersThatTheTeacherNeverSawCanBeSkipped() throws IOException {
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
  void charactersThatTheTeacherNeverSawCanBecomeTokens() throws IOException {
    Path text = write("grown.txt", "a zebra sat, the Cat ran. ".repeat(60));
    RunFolder student = new RunFolder(folder.resolve("grown"));
    Outcome outcome = finetune(student, text, "--grow-vocab", "--lr=1e-30");

    assertThat(outcome.exitCode()).as("%s", outcome).isZero();
    assertThat(tokens(student)).startsWith(tokens(teacher)).hasSize(tokens(teacher).length + 4);
    assertThat(Arrays.stream(tokens(student)).skip(tokens(teacher).length))
        .containsExactly((int) ',', (int) 'C', (int) 'b', (int) 'z');
    float[] before = rows(teacher, "best", "wte.weight");
    float[] after = rows(student, "last", "wte.weight");
    assertThat(after).startsWith(before).hasSize(before.length + 4 * 16);
    float[] drawn = Arrays.copyOfRange(after, before.length, after.length);
    assertThat(drawn).doesNotContain(0f);

    RunFolder again = new RunFolder(folder.resolve("again"));
    finetune(again, text, "--grow-vocab", "--lr=1e-30");
    assertThat(rows(again, "last", "wte.weight")).isEqualTo(after);
    RunFolder other = new RunFolder(folder.resolve("other"));
    finetune(other, text, "--grow-vocab", "--lr=1e-30", "--seed=2");
    assertThat(rows(other, "last", "wte.weight")).startsWith(before).isNotEqualTo(after);

    student.setSteps(3);
    assertThat(Outcome.of("train", "--resume", "--out=" + student.path()).exitCode()).isZero();
    assertThat(Outcome.of("sample", "--run=" + student.path(), "--prompt=a zebra, C").out())
        .startsWith("a zebra, C");
  }

  @Test
  void anUntiedHeadAlsoGrows() throws IOException {
    Path text = write("first again.txt", "the cat sat on the mat; a rat ran. ".repeat(60));
    RunFolder untied = new RunFolder(folder.resolve("untied"));
    Outcome.of(untied.train("--data=" + text, "--steps=3", "--no-tied-head"));
    Path pairs = write("zoo.jsonl", "{\"prompt\": \"zoo\", \"completion\": \"cat\"}\n".repeat(20));
    RunFolder student = new RunFolder(folder.resolve("grown head"));
    String[] flags = {
      "train",
      "--init-from=" + untied.path(),
      "--out=" + student.path(),
      "--data=" + pairs,
      "--steps=1",
      "--lr=1e-30"
    };
    Outcome.of(flags).assertFails(1, ".*: --grow-vocab adds them as tokens");
    String[] grown = Arrays.copyOf(flags, flags.length + 1);
    grown[flags.length] = "--grow-vocab";
    Outcome outcome = Outcome.of(grown);

    assertThat(outcome.exitCode()).as("%s", outcome).isZero();
    for (String name : new String[] {"wte.weight", "lm_head.weight"}) {
      float[] before = rows(untied, "best", name);
      assertThat(rows(student, "last", name)).startsWith(before).hasSize(before.length + 2 * 16);
    }
  }

  @Test
  void growingNeedsACharacterModelAndAnotherRun() throws IOException {
    Outcome.of("train", "--grow-vocab", "--data=macbeth", "--out=" + folder + "/none")
        .assertFails(2, "--grow-vocab goes with --init-from only .*");
    Path text = write("words.txt", "the cat sat on the mat; a rat ran. ".repeat(60));
    RunFolder words = new RunFolder(folder.resolve("words"));
    Outcome.of(words.train("--data=" + text, "--steps=1", "--tokenizer=gpt2"));
    Outcome.of("train", "--init-from=" + words.path(), "--grow-vocab", "--data=" + text)
        .assertFails(1, "--grow-vocab is for character models: gpt2 .*");
  }

  @Test
  void theDefaultRateIsATenthOfTrainings() throws IOException {
    Path text = write("rate.txt", "a cat sat on a mat. ".repeat(60));
    RunFolder usual = new RunFolder(folder.resolve("usual"));
    Outcome outcome = finetune(usual, text);
    RunFolder said = new RunFolder(folder.resolve("said"));
    finetune(said, text, "--lr=2e-3");

    assertThat(usual.config().get("lr").floatValue()).isEqualTo(1e-4f);
    assertThat(usual.config().get("min_lr").floatValue()).isEqualTo(1e-5f);
    assertThat(said.config().get("lr").floatValue()).isEqualTo(2e-3f);
    assertThat(outcome.err()).contains("; learning rate 0.0001\n");
  }

  @Test
  void theRunAndItsReportNameTheParent() throws IOException {
    Path text = write("parent.txt", "a cat sat on a mat. ".repeat(60));
    RunFolder student = new RunFolder(folder.resolve("child"));
    Outcome outcome = finetune(student, text);
    JsonNode parent =
        JsonMapper.builder()
            .build()
            .readTree(Files.readString(student.path().resolve("parent.json")));

    assertThat(parent.get("run").asText()).isEqualTo(teacher.path().toString());
    assertThat(parent.get("step").intValue()).isPositive();
    assertThat(parent.get("val_loss").floatValue())
        .isEqualTo(
            teacher.steps().stream()
                .map(RunFolder.Step::validationLoss)
                .filter(Objects::nonNull)
                .min(Float::compare)
                .orElseThrow());
    assertThat(outcome.err()).contains("begins with the weights of " + teacher.path() + ", step ");
    assertThat(Files.readString(student.path().resolve("report.html")))
        .contains("finetuned from <b>" + teacher.path() + "</b>, step ");
    assertThat(teacher.path().resolve("parent.json")).doesNotExist();
  }

  private static int[] tokens(RunFolder run) throws IOException {
    return ((CharTokenizer) TokenizerFile.load(run.path().resolve("tokenizer.json"))).vocabulary();
  }

  /** The rows of all tokens, 16 wide. */
  private static float[] rows(RunFolder run, String which, String name) throws IOException {
    Path file = run.path().resolve("checkpoint/" + which + ".safetensors");
    try (Safetensors weights = Safetensors.open(file)) {
      return weights
          .tensor(name, DType.F32, Shape.of(tokens(run).length, 16))
          .toArray(ValueLayout.JAVA_FLOAT_UNALIGNED);
    }
  }

  @Test
  void anotherShapeIsRejected() throws IOException {
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
  void optionsOutsideTheWeightsMayDiffer() throws IOException {
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
  void aMissingRunIsNamed() throws IOException {
    RunFolder student = new RunFolder(folder.resolve("orphan"));
    Path text = write("fifth.txt", "a cat sat on a mat. ".repeat(60));
    String out = "--out=" + student.path();

    Outcome.of("train", out, "--init-from=gone")
        .assertFails(1, "no such run directory or model: gone");
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
