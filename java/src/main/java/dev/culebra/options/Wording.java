package dev.culebra.options;

import java.util.Arrays;
import java.util.stream.Collectors;

/**
 * A text that names options in the terms of its reader: the library says {@code heads must divide
 * embd: 3 and 128}, a command line {@code --heads must divide --embd: 3 and 128}.
 */
public final class Wording {
  /** No text. */
  public static final Wording NONE = new Wording("");

  private final String format;
  private final Object[] parts;

  /**
   * @param format as in {@link String#format}
   * @param parts its arguments; {@link Option}s, {@link Setting}s, {@link Options} and other
   *     wordings among them are worded for the reader
   */
  public Wording(String format, Object... parts) {
    this.format = format;
    this.parts = parts.clone();
  }

  /** A text that names no options. */
  public static Wording plain(String text) {
    return new Wording("%s", text);
  }

  public boolean isEmpty() {
    return format.isEmpty();
  }

  /** The text. */
  public String in(Naming naming) {
    return format.formatted(Arrays.stream(parts).map(part -> in(naming, part)).toArray());
  }

  private static Object in(Naming naming, Object part) {
    return switch (part) {
      case Option<?, ?> option -> naming.name(option);
      case Setting<?> setting -> naming.setting(setting);
      case Options options ->
          options.settings().stream().map(naming::setting).collect(Collectors.joining(" "));
      case Wording wording -> wording.in(naming);
      default -> part;
    };
  }

  /** The text, with the names of components. */
  @Override
  public String toString() {
    return in(Naming.COMPONENTS);
  }
}
