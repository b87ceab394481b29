package dev.culebra.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Input that {@code culebra train} rejects: one line, an exit code, and no files left behind. */
class TrainErrorsTest {
  @TempDir Path folder;
  private RunFolder run;

  @BeforeEach
  void place() {
    run = new RunFolder(folder.resolve("run"));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          --steps ten             | invalid value for option '--steps': 'ten' is not a whole number .*
          --steps 1.5             | invalid value for option '--steps': '1.5' is not a whole number .*
          --steps 99999999999     | invalid value for option '--steps': '99999999999' is not a whole number .*
          --steps 0               | --steps must be at least 1, not 0 .*
          --steps                 | missing required parameter for option '--steps' .*
          --lr x                  | invalid value for option '--lr': 'x' is not a number .*
          --lr 0                  | --lr must be above 0, not 0.0 .*
          --lr NaN                | --lr must be a finite number, not NaN .*
          --lr 1e-4 --min-lr 1    | --min-lr must be at most --lr: 1 is above 0.0001 .*
          --batch 0               | --batch must be at least 1, not 0 .*
          --batch -3              | --batch must be at least 1, not -3 .*
          --grad-accum 0          | --grad-accum must be at least 1, not 0 .*
          --dropout 1.5           | --dropout must be at least 0 and below 1, not 1.5 .*
          --dropout 1             | --dropout must be at least 0 and below 1, not 1.0 .*
          --layers 0              | --layers must be at least 1, not 0 .*
          --heads 3 --embd 16     | --heads must divide --embd: 3 and 16 .*
          --context 0             | --context must be at least 1, not 0 .*
          --beta1 1               | --beta1 must be at least 0 and below 1, not 1.0 .*
          --beta2 -0.1            | --beta2 must be at least 0 and below 1, not -0.1 .*
          --clip -1               | --clip must be 0 or more, not -1.0 .*
          --weight-decay Infinity | --weight-decay must be a finite number, not Infinity .*
          --warmup -1             | --warmup must be at least 0, not -1 .*
          --log-every 0           | --log-every must be at least 1, not 0 .*
          --eval-batches 0        | --eval-batches must be at least 1, not 0 .*
          --save-every -1         | --save-every must be at least 0, not -1 .*
          --threads -2            | --threads must be at least 0, not -2 .*
          --threads 5000          | --threads must be at most 1024, not 5000 .*
          --schedule wavy         | invalid value for option '--schedule': 'wavy' is not one of .*
          --preset huge           | invalid value for option '--preset': 'huge' is not one of nano, .*
          --tokenizer words       | invalid value for option '--tokenizer': 'words' is not char, gpt2 or a folder .*
          --device tpu            | invalid value for option '--device': 'tpu' is not auto, .*
          --bach 3                | unknown option '--bach'; did you mean .*--batch.*
          --embd 600000000        | --embd must be at most 1048576, not 600000000 .*
          --layers 100000000      | --layers must be at most 10000, not 100000000 .*
          --context 2000000000    | --context must be at most 16777216, not 2000000000 .*
          --batch 2000000000      | --batch must be at most 1048576, not 2000000000 .*
          --batch 1000000 --context 10000 | --batch 1000000 times --context 10000 is more .*
          --grad-accum 2000000    | --grad-accum must be at most 1048576, not 2000000 .*
          --data addition --digits 50        | addition takes numbers of 1 to .* digits, not 50.*
          --data addition --tokenizer gpt2   | --data addition has a tokenizer of its own: --tokenizer gpt2 cannot be used .*
          --resume --digits 3                | --digits goes with --data addition or .*
          --kv-heads 3            | --kv-heads must divide --heads: 3 and 4 .*
          --softcap -1            | --softcap must be 0 or more, not -1.0.*
          --positions sinus       | invalid value for option '--positions': 'sinus' is not one of learned, rotary .*
          --embd 36 --heads 12 --positions rotary | --positions rotary needs heads of even size: --embd 36 has 12 heads of 3.*
          --optimizer sgd         | invalid value for option '--optimizer': 'sgd' is not one of adamw, muon .*
          --seed x                | invalid value for option '--seed': 'x' is not a whole number .*
          --resume --batch 3      | --resume continues a run with its own configuration: --data macbeth, --batch 3 cannot change; .*
          --from best             | --from goes with --resume only.*
          --new-decay             | --new-decay goes with --resume only.*
          --minutes -1            | --minutes must be 0 or more, not -1.0.*
          --patience -1           | --patience must be at least 0, not -1.*
          --resume --init-from a  | --resume continues a run with its own configuration: .*
          --resume --config a     | --resume continues a run with its own configuration: .*
          """)
  void invalidOptions(String flags, String line) {
    String data = flags.contains("--data") ? "" : "--data macbeth ";
    train(data + flags.strip()).assertFails(2, line.strip());
    assertThat(run.path()).doesNotExist();
  }

  @Test
  void resumeNeedsADirectory() {
    Outcome.of("train", "--resume")
        .assertFails(2, "--resume needs the run's directory: --out DIR.*");
    Outcome.of("train", "--resume", "--out=" + run.path())
        .assertFails(1, "no such run directory: .*run");
    assertThat(run.path()).doesNotExist();
  }

  @Test
  void unusableText() throws IOException {
    write("empty.txt", "");
    write("short.txt", "abc");
    write("short-validation.txt", "ab".repeat(70));
    Files.write(
        folder.resolve("latin1.txt"),
        "h\u00e9h\u00e9".repeat(99).getBytes(StandardCharsets.ISO_8859_1));
    Files.createDirectory(folder.resolve("nothing"));
    write("empty.bin", "");

    assertRefused("gone.txt", "no such data: .*gone.txt is neither a file nor one of dickens, .*");
    assertRefused("empty.txt", ".*empty.txt is empty.*");
    assertRefused("short.txt", ".*short.txt.* context .*");
    assertRefused("short-validation.txt", ".*short-validation.txt.* context .*");
    assertRefused("latin1.txt", ".*latin1.txt.*UTF-8.*");
    assertRefused("nothing", ".*nothing.*");
    assertRefused("empty.bin", ".*empty.bin.*");
  }

  private void assertRefused(String data, String line) {
    train("--data " + folder.resolve(data)).assertFails(1, line);
    assertThat(run.path()).doesNotExist();
  }

  @Test
  void configurationFiles() throws IOException {
    assertConfigRefused("{\n  \"stepz\": 3\n}", ".*c.json:2:\\d+: unknown field \"stepz\"");
    assertConfigRefused("{\"steps\": \"x\"}", ".*c.json:1:\\d+: \"steps\" must be a whole number");
    assertConfigRefused("{\"steps\": 3", ".*c.json:1:\\d+: not valid JSON: .*");
    assertConfigRefused("[]", ".*c.json:1:\\d+: must be one JSON object of options");
    assertConfigRefused("", ".*c.json.*");
    train("--data macbeth --config gone.json").assertFails(1, ".*gone.json.*");
  }

  private void assertConfigRefused(String json, String line) throws IOException {
    train("--data macbeth --config " + write("c.json", json)).assertFails(1, line);
    assertThat(run.path()).doesNotExist();
  }

  @Test
  void aConfigurationFileWithAnInvalidValueIsAUsageError() throws IOException {
    train("--data macbeth --config " + write("c.json", "{\"batch\": 0}"))
        .assertFails(2, "--batch must be at least 1, not 0.*");
  }

  @Test
  void aModelThatIsTooLargeLeavesNothingBehind() {
    train("--data macbeth --embd 1048576")
        .assertFails(1, ".* is too large: .*|not enough memory.*");
    train("--data macbeth --layers 10000 --embd 1024")
        .assertFails(1, ".* too large.*|not enough.*");
    assertThat(run.path()).doesNotExist();
    assertThat(Outcome.of(run.train("--data=macbeth", "--steps=1")).exitCode()).isZero();
  }

  @Test
  void aMissingDevice() {
    train("--data macbeth --device cuda")
        .assertFails(1, "cuda:0 cannot be used: no NVIDIA driver: .*");
    assertThat(run.path()).doesNotExist();
  }

  @Test
  void aDirectoryWithARun() throws IOException {
    Outcome.of(run.train("--data=macbeth", "--steps=2"));
    var files = run.files();
    var steps = run.steps();

    train("--data macbeth")
        .assertFails(1, ".*run already has a run: continue it with --resume, or choose .*");
    assertThat(run.files()).isEqualTo(files);
    assertThat(run.steps()).isEqualTo(steps);
  }

  @Test
  void anOutThatIsAFile() throws IOException {
    write("run", "precious");

    train("--data macbeth").assertFails(1, "cannot create directory .*run is a file");
    assertThat(run.path()).hasContent("precious");
  }

  @Test
  void weightsWithANanLossAreNotSaved() {
    String flags = " --warmup 0 --clip 0 --log-every 1 --save-every 1 --steps 50";
    Outcome outcome = train("--data macbeth --lr 1e38" + flags);

    assertThat(outcome.exitCode()).isEqualTo(1);
    assertThat(outcome.out()).isEmpty();
    assertThat(outcome.err().lines().toList().getLast())
        .matches(
            "culebra: the validation loss is NaN at step 1: training stopped, no checkpoint was"
                + " written yet; try a lower --lr or a --clip of 1, in a new run");
    assertThat(run.last()).doesNotExist();
  }

  @Test
  void aNanLossStopsTheRunAndKeepsTheLastGoodCheckpoint() throws IOException {
    Outcome.of(run.train("--data=macbeth", "--steps=4", "--save-every=2", "--log-every=1"));
    byte[] good = Files.readAllBytes(run.last());
    ObjectNode config = (ObjectNode) run.config();
    config.put("steps", 50).put("lr", 1e20).put("min_lr", 0).put("clip", 0);
    Files.writeString(run.path().resolve("config.json"), config.toString());

    Outcome outcome = Outcome.of("train", "--resume", "--out", run.path().toString());

    assertThat(outcome.exitCode()).isEqualTo(1);
    assertThat(outcome.out()).isEmpty();
    assertThat(outcome.err().lines().toList().getLast())
        .matches(
            "culebra: .* is NaN at step [56]: training stopped, the checkpoint of step 4 is kept;"
                + " .*");
    assertThat(Files.readAllBytes(run.last())).isEqualTo(good);
    assertThat(Outcome.of("sample", "--run", run.path().toString()).exitCode()).isZero();
  }

  private Path write(String name, String text) throws IOException {
    return Files.writeString(folder.resolve(name), text);
  }

  /** Trains in {@link #run} with flags without blanks in their values. */
  private Outcome train(String flags) {
    return Outcome.of(("train --out " + run.path() + " " + flags).split(" "));
  }
}
