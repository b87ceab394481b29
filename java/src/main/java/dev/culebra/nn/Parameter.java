package dev.culebra.nn;

import dev.culebra.backend.CompactWeight;
import dev.culebra.tensor.Shape;
import dev.culebra.tensor.Tensor;

/**
 * A trained tensor of a {@link Module}: a named slice of the flat buffers of {@link Parameters}, or
 * in a model for inference alone a {@link CompactWeight}.
 */
public final class Parameter {
  /** The kinds of parameters for an optimizer. */
  public enum Kind {
    /** Weights (out, in) of a matrix product. */
    MATRIX,
    /** A table with a row for each token. */
    TABLE,
    /** A table with a row for each position. */
    POSITIONS,
    /** Biases and scales. */
    VECTOR
  }

  private final Kind kind;
  private final Shape shape;
  private final Shape savedShape;
  private final Init init;
  private String name;
  private Tensor value;
  private CompactWeight compact;
  private Tensor gradient;

  Parameter(Kind kind, Shape shape, Shape savedShape, Init init) {
    this.kind = kind;
    this.shape = shape;
    this.savedShape = savedShape;
    this.init = init;
  }

  /** The path from the root module: {@code h.0.attn.c_attn.weight}. */
  public String name() {
    return name;
  }

  /** Its kind. */
  public Kind kind() {
    return kind;
  }

  /** Shape in memory. */
  public Shape shape() {
    return shape;
  }

  /**
   * Shape in a checkpoint: fewer rows than {@link #shape()} if rows are padded; the padding is 0.
   */
  public Shape savedShape() {
    return savedShape;
  }

  /** The initial values. */
  public Init init() {
    return init;
  }

  /** Whether AdamW decays it: matrices and tables do, biases and layernorms do not. */
  public boolean decayed() {
    return kind != Kind.VECTOR;
  }

  /** The parameter as operations read it: a slice of {@link Parameters#weights()}. */
  public Tensor value() {
    if (value == null) {
      if (compact != null) {
        throw new IllegalStateException(
            "%s is stored as %s, for inference alone".formatted(name, compact));
      }
      throw new IllegalStateException(
          "a parameter has no memory until its model is bound to Parameters");
    }
    return value;
  }

  /** Whether it is a {@link CompactWeight}; it then has no {@link #value} and no gradient. */
  public boolean isCompact() {
    return compact != null;
  }

  /** The weight of fewer bits, null if it {@linkplain #isCompact is none}. */
  CompactWeight compact() {
    return compact;
  }

  /** Its accumulated gradient. */
  public Tensor gradient() {
    if (gradient == null) {
      throw new IllegalStateException(
          name + " has no gradient: the model was not planned for training");
    }
    return gradient;
  }

  /** The value of an optional parameter. */
  static Tensor valueOf(Parameter parameter) {
    return parameter == null ? null : parameter.value();
  }

  /** The gradient of an optional parameter. */
  static Tensor gradientOf(Parameter parameter) {
    return parameter == null ? null : parameter.gradient();
  }

  void bind(String name, Tensor value) {
    this.name = name;
    this.value = value;
  }

  void bind(String name, CompactWeight compact) {
    this.name = name;
    this.compact = compact;
  }

  void bindGradient(Tensor gradient) {
    this.gradient = gradient;
  }
}
