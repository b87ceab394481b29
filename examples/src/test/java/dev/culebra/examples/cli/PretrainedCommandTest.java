package dev.culebra.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code sample}, {@code eval} and {@code train --init-from} with other programs' models. */
class PretrainedCommandTest {
  @TempDir static Path folder;
  private static Path model;
  private static Path text;

  @BeforeAll
  static void copy() throws IOException {
    model = ModelFolder.copyTo(folder.resolve("gpt2"), "gpt2-f32", "gpt2");
    text = Files.writeString(folder.resolve("text.txt"), "the cat sat on the mat. ".repeat(200));
  }

  private static Outcome culebra(String... args) {
    Outcome outcome = Outcome.of(args);
    assertThat(outcome.exitCode()).as("%s", outcome).isZero();
    return outcome;
  }

  private static Outcome finetune(Path out, String... flags) {
    List<String> args =
        new ArrayList<>(
            List.of(
                "train",
                "--init-from=" + model,
                "--data=" + text,
                "--out=" + out,
                "--steps=3",
                "--batch=2",
                "--grad-accum=1",
                "--log-every=1",
                "--eval-batches=2",
                "--context=32"));
    args.addAll(List.of(flags));
    return Outcome.of(args.toArray(String[]::new));
  }

  @Test
  void aFolderIsSampled() {
    String[] sample = {
      "sample", "--run=" + model, "--prompt=the cat", "--tokens=20", "--temperature=0"
    };
    assertThat(culebra(sample).out()).startsWith("the cat").isEqualTo(culebra(sample).out());
    assertThat(culebra("sample", "--run=" + model, "--tokens=5", "--seed=1").out())
        .isNotBlank()
        .doesNotContain("<|endoftext|>");
  }

  @Test
  void aFolderIsMeasuredOnDataThatIsNamed() {
    assertThat(culebra("eval", "--run=" + model, "--data=" + text, "--json").out())
        .contains("\"run\":\"" + model + "\"");
    Outcome.of("eval", "--run=" + model)
        .assertFails(2, ".* is not a run with data of its own: .* --data .*");
  }

  @Test
  void aRunThatBeginsWithAFolderIsAnOrdinaryOne() throws IOException {
    RunFolder run = new RunFolder(folder.resolve("finetuned"));
    Outcome outcome = finetune(run.path(), "--lr=1e-30", "--min-lr=0");
    assertThat(outcome.exitCode()).as("%s", outcome).isZero();

    assertThat(outcome.err()).contains("begins with the weights of " + model + "; learning rate");
    assertThat(run.config().get("init_from").asText()).isEqualTo(model.toString());
    assertThat(run.config().get("context").intValue()).isEqualTo(32);
    assertThat(run.config().get("bias").booleanValue()).isTrue();
    assertThat(Files.readString(run.path().resolve("report.html")))
        .contains("finetuned from <b>" + model + "</b>");
    assertThat(run.files()).contains("generation_config.json", "tokenizer_config.json");

    // Nothing was learned yet: both are the model of the folder, but for the context.
    String[] sample = {"--prompt=the cat", "--tokens=20", "--temperature=0"};
    String ofRun = culebra("sample", "--run=" + run.path(), sample[0], sample[1], sample[2]).out();
    String ofFolder = culebra("sample", "--run=" + model, sample[0], sample[1], sample[2]).out();
    assertThat(ofRun).isEqualTo(ofFolder);

    run.setSteps(5);
    culebra("train", "--resume", "--out=" + run.path());
    assertThat(run.lastStep()).isEqualTo(5);
    culebra("eval", "--run=" + run.path());
    RunFolder again = new RunFolder(folder.resolve("again"));
    culebra(
        "train",
        "--init-from=" + run.path(),
        "--data=" + text,
        "--steps=1",
        "--out=" + again.path());
    assertThat(again.config().get("init_from").asText()).isEqualTo(run.path().toString());
    assertThat(again.files()).contains("generation_config.json");
  }

  @Test
  void itsRateIsATenthOfGpt2s() throws IOException {
    RunFolder run = new RunFolder(folder.resolve("usual rate"));
    assertThat(finetune(run.path()).exitCode()).isZero();
    assertThat(run.config().get("lr").floatValue()).isEqualTo(6e-5f);
    assertThat(run.steps().getLast().loss()).isLessThan(run.steps().getFirst().loss());
  }

  @Test
  void aConfigurationFileDoesNotCopyTheParentOfItsRun() throws IOException {
    RunFolder run = new RunFolder(folder.resolve("parent"));
    finetune(run.path());
    RunFolder other = new RunFolder(folder.resolve("from scratch"));
    culebra(
        "train",
        "--config=" + run.path().resolve("config.json"),
        "--tokenizer=char",
        "--steps=1",
        "--out=" + other.path());
    assertThat(other.config().get("init_from").asText()).isEmpty();
  }

  @Test
  void whatDoesNotFitIsReportedInOneLine() throws IOException {
    Path out = folder.resolve("never");
    finetune(out, "--layers=2")
        .assertFails(
            1, "the model of .*gpt2 has another shape: it has --layers 3, this run --layers 2");
    Outcome.of("train", "--init-from=" + model, "--data=" + text, "--out=" + out, "--context=256")
        .assertFails(1, "the model of .* has another shape: it has --context 128, this run .*");
    Path other = ModelFolder.copyTo(folder.resolve("other"), "gpt2-f32", "gpt2");
    Path config = other.resolve("config.json");
    Files.writeString(config, Files.readString(config).replace("\"gpt2\"", "\"mamba\""));
    Outcome.of("sample", "--run=" + other)
        .assertFails(1, ".*config.json: model_type \"mamba\" is not known: gpt2, llama.* are");
    Path pickle = Files.createDirectory(folder.resolve("nano"));
    Files.createFile(pickle.resolve("ckpt.pt"));
    Outcome.of("sample", "--run=" + pickle)
        .assertFails(1, ".*ckpt.pt is a PyTorch pickle, which cannot be read; .* python -c .*");
    assertThat(out).doesNotExist();
  }
}
