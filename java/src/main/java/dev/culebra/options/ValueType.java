package dev.culebra.options;

import java.math.BigDecimal;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Function;

/**
 * The type of an option's values, and how they are written: the same on a command line and in JSON.
 *
 * @param <T> the values
 */
public final class ValueType<T> {
  public static final ValueType<Integer> WHOLE =
      new ValueType<>(Integer.class, Form.NUMBER, "a whole number", Integer::valueOf);
  public static final ValueType<Long> LONG =
      new ValueType<>(Long.class, Form.NUMBER, "a whole number", Long::valueOf);
  public static final ValueType<Float> NUMBER =
      new ValueType<>(Float.class, Form.NUMBER, "a number", Float::valueOf);
  public static final ValueType<Boolean> SWITCH =
      new ValueType<>(Boolean.class, Form.BOOLEAN, "true or false", ValueType::trueOrFalse);
  public static final ValueType<String> TEXT = of(String.class, "a text", Function.identity());

  /** What a value is in JSON. */
  public enum Form {
    NUMBER,
    BOOLEAN,
    STRING
  }

  private final Class<T> values;
  private final Form form;
  private final String expected;
  private final Function<String, T> parser;

  private ValueType(Class<T> values, Form form, String expected, Function<String, T> parser) {
    this.values = values;
    this.form = form;
    this.expected = expected;
    this.parser = parser;
  }

  /** One of an enum's constants, written as its {@code toString} in lower case. */
  public static <E extends Enum<E>> ValueType<E> oneOf(Class<E> values) {
    List<String> names = Arrays.stream(values.getEnumConstants()).map(ValueType::name).toList();
    return of(
        values,
        "one of " + String.join(", ", names),
        text ->
            Arrays.stream(values.getEnumConstants())
                .filter(constant -> name(constant).equalsIgnoreCase(text))
                .findFirst()
                .orElseThrow(IllegalArgumentException::new));
  }

  /**
   * A type with its own text form, which its {@code toString} writes.
   *
   * @param expected what a text must be: {@code "auto, cpu, cuda or cuda:N"}
   * @param parser throws {@link IllegalArgumentException} for any other text
   */
  public static <T> ValueType<T> of(Class<T> values, String expected, Function<String, T> parser) {
    return new ValueType<>(values, Form.STRING, expected, parser);
  }

  /** The class of the values, never primitive. */
  public Class<T> values() {
    return values;
  }

  public Form form() {
    return form;
  }

  /** What a valid text is: {@code "a whole number"}. */
  public String expected() {
    return expected;
  }

  /** The value of a text; empty if the text is invalid. */
  public Optional<T> parse(String text) {
    try {
      return Optional.of(parser.apply(text));
    } catch (IllegalArgumentException e) {
      return Optional.empty();
    }
  }

  /** The text that {@link #parse} reads back: {@code 0.0001} for 1e-4f. */
  public String text(T value) {
    return switch (value) {
      case Enum<?> constant -> name(constant);
      case Float number -> plain(number);
      default -> value.toString();
    };
  }

  private static String plain(float number) {
    float size = Math.abs(number);
    boolean readable = size == 0 || size >= 1e-6f && size < 1e9f;
    String text = Float.toString(number);
    return readable ? new BigDecimal(text).stripTrailingZeros().toPlainString() : text;
  }

  /** The names of all values of an enum; otherwise empty. */
  public List<String> choices() {
    return values.isEnum()
        ? Arrays.stream(values.getEnumConstants()).map(this::text).toList()
        : List.of();
  }

  private static String name(Enum<?> constant) {
    return constant.toString().toLowerCase(Locale.ROOT);
  }

  private static Boolean trueOrFalse(String text) {
    return switch (text) {
      case "true" -> true;
      case "false" -> false;
      default -> throw new IllegalArgumentException(text);
    };
  }
}
