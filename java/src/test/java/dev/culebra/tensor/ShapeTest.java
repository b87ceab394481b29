package dev.culebra.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ShapeTest {
  private final Shape shape = Shape.of(12, 64, 128);

  @Test
  void countsElementsAndRows() {
    assertThat(shape.rank()).isEqualTo(3);
    assertThat(shape.elements()).isEqualTo(12 * 64 * 128);
    assertThat(shape.rows()).isEqualTo(12 * 64);
    assertThat(Shape.of(7).rows()).isEqualTo(1);
  }

  @Test
  void negativeDimensionsCountFromTheEnd() {
    assertThat(shape.dim(0)).isEqualTo(12);
    assertThat(shape.dim(-1)).isEqualTo(128);
    assertThat(shape.dim(-3)).isEqualTo(12);
    assertThatExceptionOfType(IndexOutOfBoundsException.class).isThrownBy(() -> shape.dim(3));
  }

  @Test
  void equalDimensionsAreEqualShapes() {
    assertThat(shape).isEqualTo(Shape.of(12, 64, 128)).hasSameHashCodeAs(Shape.of(12, 64, 128));
    assertThat(shape).isNotEqualTo(Shape.of(64, 12, 128)).isNotEqualTo(Shape.of(12 * 64, 128));
    assertThat(shape).hasToString("(12, 64, 128)");
  }

  @Test
  void isIndependentOfTheArrayItWasMadeFrom() {
    int[] dims = {2, 3};
    Shape made = Shape.of(dims);
    dims[0] = 9;
    assertThat(made).isEqualTo(Shape.of(2, 3));
  }

  @ParameterizedTest
  @ValueSource(ints = {0, -1})
  void dimensionsBelowOneAreRejected(int dim) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Shape.of(4, dim))
        .withMessage("dimensions must be at least 1: [4, " + dim + "]");
  }

  @Test
  void countsBeyondAnIntButNotBeyondALong() {
    assertThat(Shape.of(1 << 20, 1 << 20).elements()).isEqualTo(1L << 40);
    assertThatExceptionOfType(ArithmeticException.class)
        .isThrownBy(() -> Shape.of(1 << 30, 1 << 30, 1 << 30));
  }
}
