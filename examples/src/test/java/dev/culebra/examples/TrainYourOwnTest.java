package dev.culebra.examples;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.culebra.backend.Backend;
import dev.culebra.backend.cpu.CpuBackend;
import dev.culebra.checkpoint.CheckpointException;
import dev.culebra.checkpoint.Metrics;
import dev.culebra.checkpoint.MetricsLog;
import dev.culebra.checkpoint.RunDirectory;
import dev.culebra.checkpoint.Safetensors;
import dev.culebra.data.Measurement;
import dev.culebra.examples.TrainYourOwn.Alphabet;
import dev.culebra.examples.TrainYourOwn.Narrow;
import dev.culebra.nn.GptConfig;
import dev.culebra.options.Options;
import dev.culebra.tensor.DType;
import dev.culebra.tensor.Shape;
import dev.culebra.text.CharTokenizer;
import dev.culebra.train.Evaluation;
import dev.culebra.train.RunFiles;
import dev.culebra.train.TrainConfig;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A user-defined model, dataset and optimizer are trained like Culebra's own. */
class TrainYourOwnTest {
  private static final int STEPS = 200;

  @TempDir Path folder;

  @Test
  void aStoppedRunResumesToTheBit() throws IOException {
    Path whole = folder.resolve("whole");
    Path parts = folder.resolve("parts");

    String text = TrainYourOwn.run(whole, STEPS);
    TrainYourOwn.run(parts, STEPS / 2);

    assertThat(TrainYourOwn.run(parts, STEPS)).isEqualTo(text).isEqualTo("xyzabc");
    assertThat(losses(parts)).hasSize(STEPS / 10).isEqualTo(losses(whole));
    for (String name : List.of("head.weight", "optimizer.momentum.head.weight")) {
      assertThat(tensor(parts, name)).as(name).isEqualTo(tensor(whole, name));
    }
  }

  private static List<Float> losses(Path run) throws IOException {
    return MetricsLog.read(RunDirectory.open(run).metrics(), line -> {}).stream()
        .map(Metrics::loss)
        .toList();
  }

  private static float[] tensor(Path run, String name) throws IOException {
    try (Safetensors last = Safetensors.open(RunDirectory.open(run).last())) {
      return last.tensor(name, DType.F32, Shape.of(26, 16)).toArray(ValueLayout.JAVA_FLOAT);
    }
  }

  @Test
  void itsWeightsAreMeasuredByTheDataset() throws IOException {
    Path run = folder.resolve("run");
    TrainYourOwn.run(run, STEPS);
    CharTokenizer letters = CharTokenizer.of("abcdefghijklmnopqrstuvwxyz");
    try (RunFiles files = RunFiles.open(run);
        Backend backend = new CpuBackend(1);
        Alphabet data = new Alphabet("alphabet", letters);
        Narrow model = new Narrow(letters.vocab(), backend, 7)) {
      Measurement before = Evaluation.of(model, data, 4, 8);
      files.loadWeights(model);
      Measurement after = Evaluation.of(model, data, 4, 8);

      assertThat(after.text()).matches("alphabet, validation part, 3,200 tokens: loss 0\\..*\n");
      assertThat((double) after.figures().get("loss"))
          .isLessThan((double) before.figures().get("loss") / 2);
      assertThat(Evaluation.of(model, data, 4, 8)).isEqualTo(after);
    }
  }

  @Test
  void anotherTokenizerOrShapeCannotResume() throws IOException {
    Path run = folder.resolve("run");
    TrainYourOwn.run(run, 2);
    TrainConfig config = RunFiles.open(run).config();

    assertThatThrownBy(
            () -> RunFiles.beginOrContinue(run, config.with(Options.NONE), CharTokenizer.of("ab")))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("its tokens or their order differ");
    assertThatThrownBy(
            () ->
                RunFiles.beginOrContinue(
                    run,
                    config.with(Options.NONE.with(GptConfig.CONTEXT, 9)),
                    CharTokenizer.of("abcdefghijklmnopqrstuvwxyz")))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("context 9, not 8");
    TrainYourOwn.run(run, 3); // nothing holds its lock
  }
}
