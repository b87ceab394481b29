package dev.culebra.nn;

import static dev.culebra.nn.Parameter.valueOf;

import dev.culebra.backend.Activation;
import dev.culebra.backend.Backend;
import dev.culebra.backend.CompactOp;
import dev.culebra.backend.EmbeddingOp;
import dev.culebra.backend.Ops;
import dev.culebra.backend.Planner;
import dev.culebra.tensor.Shape;
import dev.culebra.tensor.Tensor;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.BiConsumer;

/**
 * A part of a network: its parameters, its children, and the activations for one planned (B, T).
 * One thread at a time.
 *
 * <p>{@code forward} returns the tensor it wrote and remembers the inputs that {@code backward}
 * needs; {@code backward} takes the gradient of that output, which it may overwrite, and returns
 * the gradient of the input.
 */
public abstract class Module {
  private final Map<String, Module> children = new LinkedHashMap<>();
  private final Map<String, Parameter> own = new LinkedHashMap<>();
  private boolean training = true;
  private Ops ops;

  /** Null where the device has none. */
  private CompactOp compact;

  /** A module in training mode, without memory yet. */
  protected Module() {}

  /**
   * Requests the activations for a batch of B sequences of T tokens, in the order of their use.
   *
   * @param planner in training, gradients are also requested from it
   */
  public abstract void plan(Planner planner, int batch, int time);

  /**
   * Registers a child under a name, which prefixes the names of its parameters; an empty name adds
   * nothing.
   */
  protected final <M extends Module> M child(String name, M module) {
    if (children.putIfAbsent(name, module) != null) {
      throw new IllegalArgumentException("two children named " + name);
    }
    return module;
  }

  /** Registers a matrix or a vector. */
  protected final Parameter parameter(String name, Init init, int... dims) {
    Shape shape = Shape.of(dims);
    Parameter.Kind kind = shape.rank() > 1 ? Parameter.Kind.MATRIX : Parameter.Kind.VECTOR;
    return register(name, new Parameter(kind, shape, shape, init));
  }

  /**
   * Registers a table with a row for each token; its last rows may be padding, which checkpoints
   * omit.
   */
  protected final Parameter table(String name, Init init, Shape shape, Shape savedShape) {
    return register(name, new Parameter(Parameter.Kind.TABLE, shape, savedShape, init));
  }

  /** Registers a table with a row for each position. */
  protected final Parameter positions(String name, Init init, Shape shape) {
    return register(name, new Parameter(Parameter.Kind.POSITIONS, shape, shape, init));
  }

  private Parameter register(String name, Parameter parameter) {
    if (own.putIfAbsent(name, parameter) != null) {
      throw new IllegalArgumentException("two parameters named " + name);
    }
    return parameter;
  }

  /**
   * Visits all parameters with their full names: its own first, then the children's in order of
   * registration.
   */
  final void visit(String prefix, BiConsumer<String, Parameter> visitor) {
    own.forEach((name, parameter) -> visitor.accept(prefix + name, parameter));
    children.forEach(
        (name, module) -> module.visit(prefix + (name.isEmpty() ? "" : name + "."), visitor));
  }

  /** Gives this module and all its descendants the operations of a device. */
  final void attach(Backend backend) {
    ops = backend.ops();
    compact = backend.compact().orElse(null);
    children.values().forEach(module -> module.attach(backend));
  }

  /** The operations of the device that the parameters are on. */
  protected final Ops ops() {
    if (ops == null) {
      throw new IllegalStateException("bind the model to Parameters first");
    }
    return ops;
  }

  /**
   * out = activation(in · weightᵀ + bias), whatever the format of the weight.
   *
   * @param preActivation null, or kept for backward: not with a compact weight
   */
  final void multiply(
      Tensor out,
      Tensor preActivation,
      Tensor in,
      Parameter weight,
      Parameter bias,
      Activation activation) {
    if (weight.isCompact()) {
      compact.linear(out, in, weight.compact(), valueOf(bias), activation);
    } else {
      ops().linear().forward(out, preActivation, in, weight.value(), valueOf(bias), activation);
    }
  }

  /** The sum of rows of two tables, the first in any format; see {@link EmbeddingOp#forward}. */
  final void embed(
      Tensor out, Tensor tokens, Parameter tokenTable, Parameter positionTable, Tensor offset) {
    Tensor positions = valueOf(positionTable);
    if (tokenTable.isCompact()) {
      compact.embedding(out, tokens, tokenTable.compact(), positions, offset);
    } else {
      ops().embedding().forward(out, tokens, tokenTable.value(), positions, offset);
    }
  }

  /** Turns dropout on for this module and its descendants. */
  public final void train() {
    setTraining(true);
  }

  /** Turns dropout off for this module and its descendants. */
  public final void eval() {
    setTraining(false);
  }

  private void setTraining(boolean training) {
    this.training = training;
    children.values().forEach(module -> module.setTraining(training));
  }

  /** Whether dropout is on. */
  public final boolean isTraining() {
    return training;
  }
}
