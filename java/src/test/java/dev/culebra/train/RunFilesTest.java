package dev.culebra.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.culebra.backend.Activation;
import dev.culebra.backend.Backend;
import dev.culebra.backend.Bf16EmulationBackend;
import dev.culebra.backend.cpu.CpuBackend;
import dev.culebra.checkpoint.CheckpointException;
import dev.culebra.checkpoint.Metrics;
import dev.culebra.checkpoint.MetricsLog;
import dev.culebra.checkpoint.RunDirectory;
import dev.culebra.checkpoint.Safetensors;
import dev.culebra.checkpoint.SafetensorsWriter;
import dev.culebra.checkpoint.Sample;
import dev.culebra.checkpoint.SampleLog;
import dev.culebra.nn.Gpt;
import dev.culebra.nn.GptConfig;
import dev.culebra.nn.Parameter;
import dev.culebra.nn.Parameters;
import dev.culebra.optim.AdamW;
import dev.culebra.optim.Optimizer;
import dev.culebra.options.Options;
import dev.culebra.random.RandomStream;
import dev.culebra.tensor.BFloat16;
import dev.culebra.tensor.DType;
import dev.culebra.tensor.Shape;
import dev.culebra.tensor.Tensor;
import dev.culebra.text.CharTokenizer;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

class RunFilesTest {
  private static final GptConfig TIED =
      new GptConfig(2, 2, 6, 5, 7, 0, false, true, Activation.GELU_TANH);
  private static final GptConfig UNTIED_WITH_BIAS =
      new GptConfig(1, 1, 4, 3, 9, 0, true, false, Activation.RELU);
  private static final Progress PROGRESS = new Progress(12, 1.25f, 34.5);
  private static final CharTokenizer TOKENIZER = CharTokenizer.of("abcdefg");
  private static final long SEED = 77;
  private static final TrainConfig CONFIG =
      TrainConfig.of(Options.NONE.with(DataConfig.DATA, "macbeth"));

  @TempDir Path folder;
  private final Backend backend = new CpuBackend(1);
  private RunFiles files;

  @BeforeEach
  void startARun() throws IOException {
    files = RunFiles.in(RunDirectory.create(folder.resolve("run")));
    files.begin(CONFIG, TOKENIZER);
  }

  @AfterEach
  void close() throws IOException {
    files.close();
    assertThat(backend.memory().liveBuffers()).isZero();
    backend.close();
  }

  static Stream<GptConfig> shapes() {
    return Stream.of(TIED, UNTIED_WITH_BIAS);
  }

  @Test
  void aRunStoresItsConfiguration() throws IOException {
    RunFiles opened = RunFiles.open(files.directory().path());
    assertThat(opened.config()).isEqualTo(CONFIG);
    assertThat(opened.tokenizer().decode(opened.tokenizer().encode("bad"))).isEqualTo("bad");
  }

  @ParameterizedTest
  @MethodSource("shapes")
  void weightsAndMomentsAreRestoredToTheBit(GptConfig shape) throws IOException {
    List<float[]> saved;
    try (State state = new State(shape, 1)) {
      state.fillWithNoise();
      files.saveLast(state.model, state.optimizer, PROGRESS);
      saved = state.read();
    }
    try (State state = new State(shape, 2)) {
      assertThat(files.restore(state.model, state.optimizer)).isEqualTo(PROGRESS);
      assertThat(state.read()).usingElementComparator(Arrays::compare).isEqualTo(saved);
    }
  }

  @Test
  void theMomentumOfMuonIsRestoredToTheBit() throws IOException {
    List<float[]> saved;
    try (State state = new State(UNTIED_WITH_BIAS, 1, backend, Optimizer.Kind.MUON)) {
      state.fillWithNoise();
      files.saveLast(state.model, state.optimizer, PROGRESS);
      saved = state.read();
    }
    try (State state = new State(UNTIED_WITH_BIAS, 2, backend, Optimizer.Kind.MUON)) {
      assertThat(files.restore(state.model, state.optimizer)).isEqualTo(PROGRESS);
      assertThat(state.read()).usingElementComparator(Arrays::compare).isEqualTo(saved);
    }
  }

  @ParameterizedTest
  @EnumSource
  void bfloat16WeightsAreStochasticallyRoundedFromSavedSingles(Optimizer.Kind kind)
      throws IOException {
    float[] values;
    try (State state = new State(TIED, 1, backend, kind)) {
      files.saveLast(state.model, state.optimizer, PROGRESS);
      values = state.values();
    }
    try (Backend halves = new Bf16EmulationBackend(1);
        State state = new State(TIED, 2, halves, kind)) {
      state.model.plan(1, TIED.context());
      files.restore(state.model, state.optimizer);
      Parameters parameters = state.model.parameters();
      assertThat(halves.readFloatsBlocking(parameters.values())).isEqualTo(values);
      float[] weights = halves.readFloatsBlocking(parameters.weights());
      int farther = 0;
      for (int i = 0; i < values.length; i++) {
        int below = Float.floatToRawIntBits(values[i]) & 0xFFFF0000;
        assertThat(Float.floatToRawIntBits(weights[i])).isIn(below, below + 0x10000);
        farther += weights[i] == BFloat16.rounded(values[i]) ? 0 : 1;
      }
      assertThat(farther).as("not rounded to the nearest").isPositive();
      assertThat(weights).isNotEqualTo(values);
    }
  }

  @ParameterizedTest
  @EnumSource
  void bfloat16WeightsAreThoseOfTheRun(Optimizer.Kind kind) throws IOException {
    try (Backend halves = new Bf16EmulationBackend(1)) {
      float[] weights;
      try (State state = new State(TIED, 1, halves, kind)) {
        state.model.plan(1, TIED.context());
        Parameters parameters = state.model.parameters();
        float[] gradients = new float[(int) parameters.gradients().elements()];
        for (int i = 0; i < gradients.length; i++) {
          gradients[i] = (float) Math.sin(i);
        }
        halves.upload(parameters.gradients(), gradients);
        for (int step = 0; step < PROGRESS.step(); step++) {
          state.optimizer.step(1e-2f);
        }
        files.saveLast(state.model, state.optimizer, PROGRESS);
        weights = halves.readFloatsBlocking(parameters.weights());
      }
      try (State state = new State(TIED, 2, halves, kind)) {
        state.model.plan(1, TIED.context());
        files.restore(state.model, state.optimizer);
        float[] restored = halves.readFloatsBlocking(state.model.parameters().weights());
        for (Parameter parameter : state.model.parameters().list()) {
          int from = (int) state.model.parameters().offset(parameter);
          int to = from + (int) parameter.savedShape().elements();
          assertThat(Arrays.copyOfRange(restored, from, to))
              .as(parameter.name())
              .isEqualTo(Arrays.copyOfRange(weights, from, to));
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("shapes")
  void paddingIsNeitherSavedNorRestored(GptConfig shape) throws IOException {
    try (State state = new State(shape, 1)) {
      for (Tensor tensor : state.saved().keySet()) {
        float[] ones = new float[(int) tensor.elements()];
        Arrays.fill(ones, 1);
        backend.upload(tensor, ones);
      }
      files.saveLast(state.model, state.optimizer, PROGRESS);
    }
    try (State state = new State(shape, 2)) {
      files.restore(state.model, state.optimizer);
      state
          .saved()
          .forEach(
              (tensor, parameter) -> {
                float[] restored = backend.readFloatsBlocking(tensor);
                int saved = (int) parameter.savedShape().elements();
                assertThat(Arrays.copyOf(restored, saved)).containsOnly(1);
                float[] padding = Arrays.copyOfRange(restored, saved, restored.length);
                assertThat(padding).as(parameter.name()).isEqualTo(new float[padding.length]);
              });
    }
  }

  @ParameterizedTest
  @MethodSource("shapes")
  void theFileHasTheParametersOfTheShape(GptConfig shape) throws IOException {
    long count;
    try (State state = new State(shape, 1)) {
      count = state.model.parameters().count();
      assertThat(files.parameterCount()).isEmpty();
      files.saveLast(state.model, state.optimizer, PROGRESS);
      files.saveBest(state.model, PROGRESS);
    }
    try (Safetensors last = Safetensors.open(files.directory().last());
        Safetensors best = Safetensors.open(files.directory().best())) {
      for (String prefix : List.of("", "adamw.m.", "adamw.v.")) {
        last.tensor(prefix + "wte.weight", DType.F32, Shape.of(shape.vocab(), shape.embd()));
        assertThat(last.contains(prefix + "lm_head.weight")).isEqualTo(!shape.tiedHead());
        assertThat(last.contains(prefix + "ln_f.bias")).isEqualTo(shape.bias());
      }
      assertThat(best.contains("wte.weight")).isTrue();
      assertThat(best.contains("adamw.m.wte.weight")).isFalse();
    }
    assertThat(files.parameterCount()).hasValue(count);
    assertThat(dataBytes(files.directory().last())).isEqualTo(3 * count * Float.BYTES);
    assertThat(dataBytes(files.directory().best())).isEqualTo(count * Float.BYTES);
  }

  /** The bytes after the length and the header. */
  private static long dataBytes(Path file) throws IOException {
    ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
    return bytes.capacity() - Long.BYTES - bytes.getLong(0);
  }

  @Test
  void weightsAreTheBestOrElseTheLast() throws IOException {
    try (State first = new State(TIED, 1);
        State second = new State(TIED, 2);
        State loaded = new State(TIED, 3)) {
      assertThatThrownBy(() -> files.loadWeights(loaded.model))
          .isExactlyInstanceOf(CheckpointException.class)
          .hasMessage("%s has no checkpoint yet", files.directory().path());
      files.saveLast(first.model, first.optimizer, PROGRESS);
      assertThat(files.loadWeights(loaded.model)).isEqualTo(files.directory().last());
      assertThat(loaded.values()).isEqualTo(first.values());
      files.saveBest(second.model, PROGRESS);
      assertThat(files.loadWeights(loaded.model)).isEqualTo(files.directory().best());
      assertThat(loaded.values()).isEqualTo(second.values());
    }
  }

  @Test
  void aRunWithoutACheckpointStartsOver() throws IOException {
    try (State state = new State(TIED, 1)) {
      float[] before = state.values();
      assertThat(files.restore(state.model, state.optimizer)).isEqualTo(Progress.START);
      assertThat(state.values()).isEqualTo(before);
    }
  }

  @Test
  void theLogsContinueAfterTheCheckpoint() throws IOException {
    Metrics[] lines = new Metrics[4];
    try (State state = new State(TIED, 1)) {
      files.restore(state.model, state.optimizer);
      for (int i = 0; i < lines.length; i++) {
        lines[i] = new Metrics(11 + i, 2, null, 1e-3f, 1, 1000, i);
        files.append(lines[i]);
        files.append(new Sample(11 + i, "text " + i));
      }
      files.saveLast(state.model, state.optimizer, PROGRESS);
    }
    Path path = files.directory().path();
    files.close();
    files = RunFiles.openLocked(path);
    try (State state = new State(TIED, 1)) {
      files.restore(state.model, state.optimizer);
    }
    assertThat(MetricsLog.read(files.directory().metrics(), line -> {}))
        .containsExactly(lines[0], lines[1]);
    assertThat(SampleLog.read(files.directory().samples(), line -> {}))
        .containsExactly(new Sample(11, "text 0"), new Sample(12, "text 1"));
  }

  @Test
  void anotherVocabularyIsReportedInOneLine() throws IOException {
    assertDoesNotFit(
        TIED.withVocab(8), "tensor wte.weight is F32 (7, 6), but should be F32 (8, 6)");
    assertDoesNotFit(
        TIED.with(GptConfig.CONTEXT, 6),
        "tensor wpe.weight is F32 (5, 6), but should be F32 (6, 6)");
  }

  private void assertDoesNotFit(GptConfig other, String reason) throws IOException {
    Path last = files.directory().last();
    try (State saved = new State(TIED, 1);
        State state = new State(other, 1)) {
      files.saveLast(saved.model, saved.optimizer, PROGRESS);
      assertThatThrownBy(() -> files.restore(state.model, state.optimizer))
          .isExactlyInstanceOf(CheckpointException.class)
          .hasMessage("%s: %s", last, reason);
      assertThatThrownBy(() -> files.loadWeights(state.model))
          .isExactlyInstanceOf(CheckpointException.class)
          .hasMessage("%s: %s", last, reason);
    }
  }

  @Test
  void weightsWithoutMomentsCannotBeResumed() throws IOException {
    Path last = files.directory().last();
    try (State state = new State(TIED, 1)) {
      files.saveBest(state.model, PROGRESS);
      Files.move(files.directory().best(), last);
      assertThatThrownBy(() -> files.restore(state.model, state.optimizer))
          .isExactlyInstanceOf(CheckpointException.class)
          .hasMessageStartingWith(last + " has no tensor adamw.m.");
    }
  }

  @Test
  void weightsOfAnotherProgramCannotBeResumed() throws IOException {
    Path last = files.directory().last();
    SafetensorsWriter.write(last, List.of(), Map.of("format", "pt"));
    try (State state = new State(TIED, 1)) {
      assertThatThrownBy(() -> files.restore(state.model, state.optimizer))
          .isExactlyInstanceOf(CheckpointException.class)
          .hasMessage(
              "%s is not a checkpoint of a training run: its header does not record any progress",
              last);
    }
  }

  @Test
  void aDamagedCheckpointIsReportedInOneLine() throws IOException {
    Path last = files.directory().last();
    try (State state = new State(TIED, 1)) {
      files.saveLast(state.model, state.optimizer, PROGRESS);
      byte[] content = Files.readAllBytes(last);
      content[content.length - 1] ^= 1;
      Files.write(last, content);
      String message = last + " is damaged: it does not match its checksum";
      assertThatThrownBy(() -> files.restore(state.model, state.optimizer)).hasMessage(message);
      assertThatThrownBy(() -> files.loadWeights(state.model)).hasMessage(message);
    }
  }

  @Test
  void aDamagedConfigurationIsReportedInOneLine() throws IOException {
    Path config = files.directory().config();
    Files.writeString(config, "{\"batch\": 0}");
    assertThatThrownBy(() -> files.config())
        .isExactlyInstanceOf(CheckpointException.class)
        .hasMessage("%s: batch must be at least 1, not 0", config);
    Files.writeString(config, "{");
    assertThatThrownBy(() -> files.config())
        .isInstanceOf(IOException.class)
        .hasMessageStartingWith(config + ":1:");
  }

  @Test
  void theLockIsReleasedWithTheRun() throws IOException {
    Path path = files.directory().path();
    assertThatThrownBy(() -> RunFiles.openLocked(path))
        .hasMessage("another process is training in %s", path);
    files.close();
    RunFiles.openLocked(path).close();
  }

  /** A model and its optimizer. */
  private final class State implements AutoCloseable {
    private final Gpt model;
    private final Optimizer optimizer;

    State(GptConfig shape, long seed) {
      this(shape, seed, backend, Optimizer.Kind.ADAMW);
    }

    State(GptConfig shape, long seed, Backend backend, Optimizer.Kind kind) {
      model = new Gpt(shape, backend, seed);
      optimizer = Optimizer.of(kind, model.parameters(), AdamW.Config.DEFAULT, SEED);
    }

    /** The tensors in a checkpoint, with the parameters that define their shapes. */
    Map<Tensor, Parameter> saved() {
      Map<Tensor, Parameter> saved = new LinkedHashMap<>();
      Parameters parameters = model.parameters();
      parameters
          .list()
          .forEach(each -> saved.put(parameters.slice(parameters.values(), each), each));
      optimizer.states().forEach(state -> saved.put(state.tensor(), state.parameter()));
      return saved;
    }

    float[] values() {
      return backend.readFloatsBlocking(model.parameters().values());
    }

    List<float[]> read() {
      return saved().keySet().stream().map(backend::readFloatsBlocking).toList();
    }

    /** Fills everything that is saved, with signs and odd exponents; the rest stays 0. */
    void fillWithNoise() {
      RandomStream random = new RandomStream(5, 1, 0);
      saved()
          .forEach(
              (tensor, parameter) -> {
                float[] noise = new float[(int) parameter.savedShape().elements()];
                for (int i = 0; i < noise.length; i++) {
                  noise[i] = random.nextNormal() * Math.scalb(1f, i % 200 - 100);
                }
                backend.upload(tensor.slice(0, parameter.savedShape()), noise);
              });
    }

    @Override
    public void close() {
      optimizer.close();
      model.close();
    }
  }
}
