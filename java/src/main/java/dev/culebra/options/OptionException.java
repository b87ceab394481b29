package dev.culebra.options;

/** An invalid value of an option; the message is one line that names both. */
public final class OptionException extends IllegalArgumentException implements Worded {
  private static final long serialVersionUID = 1L;

  private final transient Wording wording;

  /** The message is a {@link Wording} of these arguments. */
  public OptionException(String format, Object... parts) {
    this(new Wording(format, parts));
  }

  private OptionException(Wording wording) {
    super(wording.toString());
    this.wording = wording;
  }

  @Override
  public Wording wording() {
    return wording;
  }
}
