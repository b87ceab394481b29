package dev.culebra.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.culebra.nn.GptConfig;
import dev.culebra.nn.Positions;
import dev.culebra.options.Naming;
import dev.culebra.options.Option;
import dev.culebra.options.OptionException;
import dev.culebra.options.Options;
import dev.culebra.options.Setting;
import dev.culebra.options.ValueType;
import java.io.IOException;
import java.lang.reflect.RecordComponent;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.FieldSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Properties of every option, so that none is incomplete. */
class OptionTableTest {
  /** Values with which each option's other value is valid. */
  private static final Options BASE =
      Options.NONE
          .with(TrainingConfig.LR, 0.5f)
          .with(GptConfig.HEADS, 2)
          .with(GptConfig.HEAD_SIZE, 2)
          .with(GptConfig.POSITIONS, Positions.ROTARY)
          .with(GptConfig.QK_NORM, true);

  static final List<Option<?, ?>> ALL = TrainConfig.OPTIONS;

  @TempDir Path folder;

  static Stream<Arguments> records() {
    return Stream.of(
        Arguments.of(DataConfig.class, DataConfig.OPTIONS),
        Arguments.of(GptConfig.class, GptConfig.OPTIONS),
        Arguments.of(TrainingConfig.class, TrainingConfig.OPTIONS),
        Arguments.of(ReportConfig.class, ReportConfig.OPTIONS),
        Arguments.of(DeviceConfig.class, DeviceConfig.OPTIONS));
  }

  @ParameterizedTest
  @MethodSource("records")
  void everyComponentHasAnOptionOfItsName(Class<?> record, List<Option<?, ?>> options) {
    List<String> components =
        Arrays.stream(record.getRecordComponents()).map(RecordComponent::getName).toList();

    assertThat(options)
        .extracting(Option::name)
        .containsExactlyElementsOf(
            components.stream().filter(name -> !name.equals("vocab")).toList());
  }

  @Test
  void optionNamesAreUnique() {
    assertThat(ALL).extracting(Naming.FIELDS::name).doesNotHaveDuplicates();
  }

  /** A value other than the option's default. */
  static <T> Setting<T> other(Option<?, T> option) {
    ValueType<T> type = option.type();
    return Stream.concat(
            type.choices().stream(),
            Stream.of("gpt2", "true", "false", "0.25", "2", "cuda:1", "8,1,4,32", "macbeth"))
        .flatMap(text -> type.parse(text).stream())
        .filter(value -> option.fallback().stream().noneMatch(value::equals))
        .map(option::set)
        .findFirst()
        .orElseThrow();
  }

  @ParameterizedTest
  @FieldSource("ALL")
  void aValueReachesTheConfigurationAndItsFile(Option<?, ?> option) throws IOException {
    Setting<?> setting = other(option);
    TrainConfig config = TrainConfig.of(BASE.with(setting));

    assertThat(config.options().settings()).contains(setting);
    assertThat(config.with(Options.NONE)).isEqualTo(config);
    Path file = Files.writeString(folder.resolve("config.json"), config.toJson());
    assertThat(TrainConfig.read(file)).isEqualTo(config.options());
    assertThat(TrainConfig.of(TrainConfig.read(file))).isEqualTo(config);
  }

  @ParameterizedTest
  @FieldSource("ALL")
  void valuesOutOfRangeAreRejected(Option<?, ?> option) {
    Stream.of("-3000000", "NaN", " ").forEach(text -> requireRefusal(option, text));
  }

  /** If the option's range rejects a value, so does the configuration, naming the option. */
  private static <T> void requireRefusal(Option<?, T> option, String text) {
    option
        .type()
        .parse(text)
        .filter(value -> !isPossible(option, value))
        .ifPresent(
            value ->
                assertThatExceptionOfType(OptionException.class)
                    .isThrownBy(() -> TrainConfig.of(BASE.with(option, value)))
                    .withMessageStartingWith(option.name() + " must "));
  }

  private static <T> boolean isPossible(Option<?, T> option, T value) {
    try {
      option.require(value);
      return true;
    } catch (OptionException e) {
      return false;
    }
  }

  @ParameterizedTest
  @FieldSource("ALL")
  void everyOptionHasHelpText(Option<?, ?> option) {
    assertThat(option.help().toString()).matches("(?s)\\S.*[.)]");
  }
}
