package dev.culebra.options;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.Test;

class OptionsTest {
  private enum Shape {
    ROUND,
    WITH_CORNERS;
  }

  private record Window(int paneCount, Shape shape, boolean open) {}

  private static final Option<Window, Integer> PANES =
      Option.of("paneCount", ValueType.WHOLE, Window::paneCount).range(Range.between(1, 9));
  private static final Option<Window, Shape> SHAPE =
      Option.of("shape", ValueType.oneOf(Shape.class), Window::shape).otherwise(Shape.ROUND);
  private static final Option<Window, Boolean> OPEN =
      Option.of("open", ValueType.SWITCH, Window::open);

  private final Options two = Options.NONE.with(PANES, 2).with(OPEN, true);

  @Test
  void mergingTakesTheLaterValueAndChangesNeitherSide() {
    Options over = Options.NONE.with(PANES, 3).with(SHAPE, Shape.WITH_CORNERS);

    assertThat(two.with(over))
        .isEqualTo(Options.NONE.with(PANES, 3).with(OPEN, true).with(SHAPE, Shape.WITH_CORNERS));
    assertThat(two).hasToString("paneCount 2 open true");
    assertThat(over).hasToString("paneCount 3 shape with_corners");
  }

  @Test
  void aMissingValueIsTheDefaultOrAnError() {
    assertThat(two.value(SHAPE)).isEqualTo(Shape.ROUND);
    assertThat(two.find(SHAPE)).isEmpty();
    assertThatExceptionOfType(OptionException.class)
        .isThrownBy(() -> Options.NONE.value(PANES))
        .withMessage("paneCount must be given");
  }

  @Test
  void subsetsByOptionOrByDifference() {
    assertThat(two.without(PANES)).isEqualTo(Options.NONE.with(OPEN, true));
    assertThat(two.only(PANES::equals)).isEqualTo(Options.NONE.with(PANES, 2));
    assertThat(two.minus(Options.NONE.with(PANES, 2).with(OPEN, false)))
        .isEqualTo(Options.NONE.with(OPEN, true));
    assertThat(two.minus(two).isEmpty()).isTrue();
  }

  @Test
  void aRecordGivesTheValuesOfItsOptions() {
    assertThat(Options.of(new Window(2, Shape.ROUND, true), List.of(PANES, OPEN))).isEqualTo(two);
  }

  @Test
  void aTextNamesOptionsInItsReadersTerms() {
    Naming shouting = option -> option.name('-').toUpperCase(Locale.ROOT);
    Wording wording =
        new Wording(
            "%s is %d: %s, %s or %s", PANES, 3, OPEN.set(true), two, new Wording("%s 9", PANES));

    assertThat(wording)
        .hasToString("paneCount is 3: open true, paneCount 2 open true or paneCount 9");
    assertThat(wording.in(Naming.FIELDS)).startsWith("pane_count is 3: open true, pane_count 2");
    assertThat(wording.in(shouting)).startsWith("PANE-COUNT is 3: OPEN true, PANE-COUNT 2");
    assertThat(Wording.plain("100 %s")).hasToString("100 %s");
  }

  @Test
  void anInvalidValueIsNamedInItsReadersTerms() {
    assertThatExceptionOfType(OptionException.class)
        .isThrownBy(() -> PANES.require(10))
        .withMessage("paneCount must be at most 9, not 10")
        .satisfies(
            e ->
                assertThat(e.wording().in(Naming.FIELDS))
                    .isEqualTo("pane_count must be at most 9, not 10"));
    assertThatExceptionOfType(OptionException.class)
        .isThrownBy(() -> PANES.require(null))
        .withMessage("paneCount must be given");
  }

  @Test
  void valuesAreParsedAndFormatted() {
    assertThat(SHAPE.type().parse("With_Corners")).hasValue(Shape.WITH_CORNERS);
    assertThat(SHAPE.type().parse("square")).isEmpty();
    assertThat(SHAPE.type().expected()).isEqualTo("one of round, with_corners");
    assertThat(ValueType.WHOLE.parse("1.5")).isEmpty();
    assertThat(ValueType.NUMBER.parse("1e-3")).hasValue(1e-3f);
    assertThat(ValueType.NUMBER.text(1e-4f)).isEqualTo("0.0001");
    assertThat(ValueType.NUMBER.text(15f)).isEqualTo("15");
    assertThat(ValueType.NUMBER.text(1e-30f)).isEqualTo("1.0E-30");
    assertThat(ValueType.SWITCH.parse("yes")).isEmpty();
    assertThat(ValueType.LONG.parse("-9223372036854775808")).hasValue(Long.MIN_VALUE);
  }
}
