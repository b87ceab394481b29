package dev.culebra.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIOException;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.culebra.nn.GptConfig;
import dev.culebra.nn.Preset;
import dev.culebra.optim.LearningRate;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.Consumer;
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
    TrainConfig config = new TrainOptions().preset(preset).config();

    assertThat(config.model(65)).isEqualTo(preset.config(65));
    assertThat(config.minLr()).isCloseTo(config.lr() / 10, within(1e-9f));
  }

  private static Offset<Float> within(float offset) {
    return Offset.offset(offset);
  }

  @Test
  void nobodyNamesAPresetAndGetsNano() {
    assertThat(new TrainOptions().config())
        .isEqualTo(new TrainOptions().preset(Preset.NANO).config());
  }

  @Test
  void flagsOverrideTheFileAndTheFileThePreset() throws IOException {
    TrainOptions file =
        TrainOptions.read(json("{\"preset\": \"baby\", \"layers\": 3, \"batch\": 7}"));
    TrainConfig config = file.with(new TrainOptions().batch(8).bias(true)).config();

    GptConfig baby = Preset.BABY.config(1);
    assertThat(config.batch()).isEqualTo(8);
    assertThat(config.bias()).isTrue();
    assertThat(config.layers()).isEqualTo(3);
    assertThat(config.embd()).isEqualTo(baby.embd());
    assertThat(config.preset()).isEqualTo(Preset.BABY);
  }

  @Test
  void mergingChangesNeitherSide() {
    TrainOptions base = new TrainOptions().batch(3);
    TrainOptions over = new TrainOptions().steps(5);
    base.with(over).batch(9).steps(9);

    assertThat(base.config().batch()).isEqualTo(3);
    assertThat(base.config().steps()).isEqualTo(new TrainOptions().config().steps());
    assertThat(over.config().steps()).isEqualTo(5);
  }

  @Test
  void theFloorOfTheLearningRateFollowsItsPeakUnlessItIsSet() {
    assertThat(new TrainOptions().lr(1e-5f).config().minLr()).isCloseTo(1e-6f, within(1e-12f));
    assertThat(new TrainOptions().lr(1e-5f).minLr(0f).config().minLr()).isZero();
  }

  @Test
  void writtenAndReadItIsTheSame() throws IOException {
    TrainConfig config =
        new TrainOptions()
            .preset(Preset.GPT2_MEDIUM)
            .data("some/folder \"é\"")
            .schedule(LearningRate.Schedule.LINEAR)
            .lr(3.3e-4f)
            .seed(Long.MIN_VALUE)
            .device(DeviceChoice.parse("cuda:3"))
            .config();
    String json = config.toJson();

    assertThat(TrainOptions.read(json(json)).config()).isEqualTo(config);
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
        impossible(o -> o.batch(0), "--batch must be at least 1, not 0"),
        impossible(o -> o.gradAccum(-1), "--grad-accum must be at least 1, not -1"),
        impossible(o -> o.dropout(1.5f), "--dropout must be at least 0 and below 1, not 1.5"),
        impossible(o -> o.dropout(1f), "--dropout must be at least 0 and below 1, not 1.0"),
        impossible(o -> o.beta2(Float.NaN), "--beta2 must be at least 0 and below 1, not NaN"),
        impossible(o -> o.heads(3), "--heads must divide --embd: 3 heads, embd 128"),
        impossible(o -> o.lr(0f), "--lr must be above 0, not 0.0"),
        impossible(o -> o.lr(Float.POSITIVE_INFINITY), "--lr must be above 0, not Infinity"),
        impossible(o -> o.minLr(1f), "--min-lr must be at most --lr: 1.0 is above 0.001"),
        impossible(o -> o.clip(-1f), "--clip must be 0 or more, not -1.0"),
        impossible(o -> o.steps(0), "--steps must be at least 1, not 0"),
        impossible(o -> o.logEvery(0), "--log-every must be at least 1, not 0"),
        impossible(o -> o.threads(-2), "--threads must be from 0 to 1024, not -2"),
        impossible(o -> o.data(" "), "--data must name a corpus or a file"));
  }

  private static Arguments impossible(Consumer<TrainOptions> change, String message) {
    TrainOptions options = new TrainOptions();
    change.accept(options);
    return Arguments.of(options, message);
  }

  @ParameterizedTest
  @MethodSource("impossibleValues")
  void impossibleValuesAreNamed(TrainOptions options, String message) {
    assertThatIllegalArgumentException().isThrownBy(options::config).withMessage(message);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          {"stepz": 3}                 | :1:12: unknown field "stepz"
          {"batch": "12"}              | :1:11: "batch" must be a whole number
          {"batch": 1.5}               | :1:11: "batch" must be a whole number
          {"batch": 99999999999}       | :1:22: "batch" must be a whole number
          {"lr": [1]}                  | :1:8: "lr" must be a number
          {"bias": 1}                  | :1:10: "bias" must be true or false
          {"schedule": "cosin"}        | :1:14: "schedule" must be one of cosine, linear, constant
          {"preset": "gpt3"}           | :1:12: "preset" must be one of nano, baby, gpt2, gpt2-medium, gpt2-large, gpt2-xl
          {"device": "gpu"}            | :1:12: "device" must be auto, cpu, cuda or cuda:N
          {"batch": 1, "batch": 2}     | :1:21: not valid JSON: Duplicate field 'batch'
          {"batch": 1                  | :1:12: not valid JSON: Unexpected end-of-input: expected close marker for Object
          [1]                          | :1:1: must hold one JSON object of options
          {} {}                        | :1:4: must hold one JSON object of options
          """)
  void badFilesAreOneClearLine(String content, String message) throws IOException {
    Path file = json(content);

    assertThatIOException().isThrownBy(() -> TrainOptions.read(file)).withMessage(file + message);
  }

  @Test
  void aMissingFileIsSaid() {
    Path missing = folder.resolve("missing.json");

    assertThatIOException()
        .isThrownBy(() -> TrainOptions.read(missing))
        .withMessageStartingWith("cannot read " + missing + ": no such file");
  }

  @ParameterizedTest
  @CsvSource({"auto,auto", "cpu,cpu", "cuda,cuda:0", "cuda:2,cuda:2"})
  void devicesAreReadAndWritten(String text, String name) {
    assertThat(DeviceChoice.parse(text)).hasToString(name);
  }

  @ParameterizedTest
  @CsvSource({"gpu", "cuda:", "cuda:x", "cuda:-1", "CPU"})
  void otherDevicesAreRefused(String text) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> DeviceChoice.parse(text))
        .withMessage("the device must be auto, cpu, cuda or cuda:N, not '" + text + "'");
  }

  private Path json(String content) throws IOException {
    return Files.writeString(folder.resolve("config.json"), content);
  }
}
