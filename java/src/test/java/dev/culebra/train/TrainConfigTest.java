package dev.culebra.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIOException;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.culebra.backend.RopeScaling;
import dev.culebra.nn.GptConfig;
import dev.culebra.nn.Positions;
import dev.culebra.nn.Preset;
import dev.culebra.optim.LearningRate;
import dev.culebra.options.Option;
import dev.culebra.options.Options;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

class TrainConfigTest {
  @TempDir Path folder;

  @ParameterizedTest
  @EnumSource
  void everyPresetIsComplete(Preset preset) {
    TrainConfig config = TrainConfig.of(Options.NONE.with(TrainConfig.PRESET, preset));

    assertThat(config.model().withVocab(65)).isEqualTo(preset.config(65));
    assertThat(config.training().minLr()).isCloseTo(config.training().lr() / 10, within(1e-9f));
  }

  private static Offset<Float> within(float offset) {
    return Offset.offset(offset);
  }

  @Test
  void withoutAPresetItIsNano() {
    assertThat(TrainConfig.of(Options.NONE))
        .isEqualTo(TrainConfig.of(Options.NONE.with(TrainConfig.PRESET, Preset.NANO)));
  }

  @Test
  void flagsOverrideTheFileAndTheFileThePreset() throws IOException {
    Options file = TrainConfig.read(json("{\"preset\": \"baby\", \"layers\": 3, \"batch\": 7}"));
    TrainConfig config =
        TrainConfig.of(file.with(TrainingConfig.BATCH, 8).with(GptConfig.BIAS, true));

    GptConfig baby = Preset.BABY.config(1);
    assertThat(config.training().batch()).isEqualTo(8);
    assertThat(config.model().bias()).isTrue();
    assertThat(config.model().layers()).isEqualTo(3);
    assertThat(config.model().embd()).isEqualTo(baby.embd());
    assertThat(config.preset()).isEqualTo(Preset.BABY);
  }

  @Test
  void theFloorOfTheLearningRateFollowsItsPeakUnlessItIsSet() {
    Options low = Options.NONE.with(TrainingConfig.LR, 1e-5f);

    assertThat(TrainConfig.of(low).training().minLr()).isEqualTo(1e-6f);
    assertThat(TrainConfig.of(low.with(TrainingConfig.MIN_LR, 0f)).training().minLr()).isZero();
  }

  @Test
  void writtenAndReadItIsTheSame() throws IOException {
    TrainConfig config =
        TrainConfig.of(
            Options.NONE
                .with(TrainConfig.PRESET, Preset.GPT2_MEDIUM)
                .with(DataConfig.DATA, "some/folder \"é\"")
                .with(TrainingConfig.SCHEDULE, LearningRate.Schedule.LINEAR)
                .with(TrainingConfig.LR, 3.3e-4f)
                .with(TrainingConfig.SEED, Long.MIN_VALUE)
                .with(DeviceConfig.DEVICE, DeviceChoice.parse("cuda:3")));
    String json = config.toJson();

    assertThat(TrainConfig.of(TrainConfig.read(json(json)))).isEqualTo(config);
    assertThat(json)
        .contains(
            "\"preset\" : \"gpt2-medium\"",
            "\"activation\" : \"gelu_tanh\"",
            "\"schedule\" : \"linear\"",
            "\"grad_accum\" : 8",
            "\"device\" : \"cuda:3\"");
  }

  static Stream<Arguments> impossibleValues() {
    return Stream.of(
        impossible(TrainingConfig.BATCH, 0, "batch must be at least 1, not 0"),
        impossible(TrainingConfig.BATCH, 2_000_000, "batch must be at most 1048576, not 2000000"),
        impossible(TrainingConfig.GRAD_ACCUM, -1, "gradAccum must be at least 1, not -1"),
        impossible(GptConfig.DROPOUT, 1.5f, "dropout must be at least 0 and below 1, not 1.5"),
        impossible(GptConfig.DROPOUT, 1f, "dropout must be at least 0 and below 1, not 1.0"),
        impossible(
            TrainingConfig.BETA2, Float.NaN, "beta2 must be at least 0 and below 1, not NaN"),
        impossible(GptConfig.HEADS, 3, "heads must divide embd: 3 and 128"),
        impossible(GptConfig.KV_HEADS, 3, "kvHeads must divide heads: 3 and 4"),
        impossible(GptConfig.QK_SCALE, true, "qkScale true needs qkNorm true"),
        impossible(GptConfig.ROPE_THETA, 5e5f, "ropeTheta and ropeScaling need positions rotary"),
        impossible(
            GptConfig.HEAD_SIZE,
            1 << 20,
            "heads 4 times headSize 1048576 is more than 1048576 columns"),
        impossible(GptConfig.NORM_EPSILON, 0f, "normEpsilon must be above 0, not 0.0"),
        impossible(TrainingConfig.LR, 0f, "lr must be above 0, not 0.0"),
        impossible(
            TrainingConfig.LR, Float.POSITIVE_INFINITY, "lr must be a finite number, not Infinity"),
        impossible(TrainingConfig.MIN_LR, 1f, "minLr must be at most lr: 1 is above 0.001"),
        impossible(TrainingConfig.CLIP, -1f, "clip must be 0 or more, not -1.0"),
        impossible(TrainingConfig.STEPS, 0, "steps must be at least 1, not 0"),
        impossible(ReportConfig.LOG_EVERY, 0, "logEvery must be at least 1, not 0"),
        impossible(DeviceConfig.THREADS, -2, "threads must be at least 0, not -2"),
        impossible(DeviceConfig.THREADS, 2000, "threads must be at most 1024, not 2000"),
        impossible(DataConfig.DATA, " ", "data must name a corpus or a file"));
  }

  private static <T> Arguments impossible(Option<?, T> option, T value, String message) {
    return Arguments.of(Options.NONE.with(option, value), message);
  }

  @ParameterizedTest
  @MethodSource("impossibleValues")
  void impossibleValuesAreNamed(Options options, String message) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> TrainConfig.of(options))
        .withMessage(message);
  }

  @Test
  void rotaryPositionsNeedHeadsOfEvenSize() {
    Options odd =
        Options.NONE
            .with(GptConfig.EMBD, 12)
            .with(GptConfig.HEADS, 4)
            .with(GptConfig.POSITIONS, Positions.ROTARY);

    assertThatIllegalArgumentException()
        .isThrownBy(() -> TrainConfig.of(odd))
        .withMessage("positions rotary needs heads of even size: embd 12 has 4 heads of 3");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> TrainConfig.of(odd.with(GptConfig.HEAD_SIZE, 5)))
        .withMessage("positions rotary needs heads of even size, but there is headSize 5");
  }

  @Test
  void spelledOutDefaultsHaveTheSameWeights() {
    Options llama = GptConfig.LLAMA.with(GptConfig.HEADS, 4).with(GptConfig.EMBD, 120);
    Options said =
        llama
            .with(GptConfig.HEAD_SIZE, 30)
            .with(GptConfig.MLP_WIDTH, 320)
            .with(GptConfig.CONTEXT, 4096)
            .with(GptConfig.ROPE_THETA, 5e5f)
            .with(GptConfig.ROPE_SCALING, new RopeScaling(8, 1, 4, 64));

    assertThat(TrainConfig.of(said).weightsShape()).isEqualTo(TrainConfig.of(llama).weightsShape());
    assertThat(TrainConfig.of(said.with(GptConfig.MLP_WIDTH, 321)).weightsShape())
        .isNotEqualTo(TrainConfig.of(llama).weightsShape());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          {"stepz": 3}                 | :1:2: unknown field "stepz"
          {"batch": "12"}              | :1:11: "batch" must be a whole number
          {"batch": 1.5}               | :1:11: "batch" must be a whole number
          {"batch": 99999999999}       | :1:11: "batch" must be a whole number
          {"lr": [1]}                  | :1:8: "lr" must be a number
          {"bias": 1}                  | :1:10: "bias" must be true or false
          {"schedule": "cosin"}        | :1:14: "schedule" must be one of cosine, linear, constant
          {"preset": "gpt3"}           | :1:12: "preset" must be one of nano, baby, gpt2, gpt2-medium, gpt2-large, gpt2-xl
          {"device": "gpu"}            | :1:12: "device" must be auto, cpu, cuda or cuda:N
          {"batch": 1, "batch": 2}     | :1:21: not valid JSON: Duplicate field 'batch'
          {"batch": 1                  | :1:12: not valid JSON: Unexpected end-of-input: expected close marker for Object
          [1]                          | :1:1: must be one JSON object of options
          {} {}                        | :1:4: must be one JSON object of options
          """)
  void badFilesAreReportedInOneLine(String content, String message) throws IOException {
    Path file = json(content);

    assertThatIOException().isThrownBy(() -> TrainConfig.read(file)).withMessage(file + message);
  }

  @Test
  void aMissingFileIsReported() {
    Path missing = folder.resolve("missing.json");

    assertThatIOException()
        .isThrownBy(() -> TrainConfig.read(missing))
        .withMessageStartingWith("cannot read " + missing + ": no such file");
  }

  @ParameterizedTest
  @CsvSource({"auto,auto", "cpu,cpu", "CPU,cpu", "cuda,cuda:0", "CUDA:2,cuda:2"})
  void devicesAreReadAndWritten(String text, String name) {
    assertThat(DeviceChoice.parse(text)).hasToString(name);
  }

  @ParameterizedTest
  @CsvSource({"gpu", "cuda:", "cuda:x", "cuda:-1"})
  void otherDevicesAreRefused(String text) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> DeviceChoice.parse(text))
        .withMessage("the device must be auto, cpu, cuda or cuda:N, not '" + text + "'");
  }

  private Path json(String content) throws IOException {
    return Files.writeString(folder.resolve("config.json"), content);
  }
}
