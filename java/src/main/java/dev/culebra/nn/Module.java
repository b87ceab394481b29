package dev.culebra.nn;

import dev.culebra.backend.Ops;
import dev.culebra.backend.Planner;
import dev.culebra.tensor.Shape;
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
   * Registers a table with a row for each token or position; its last rows may be padding, which
   * checkpoints omit.
   */
  protected final Parameter table(String name, Init init, Shape shape, Shape savedShape) {
    return register(name, new Parameter(Parameter.Kind.TABLE, shape, savedShape, init));
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
  final void attach(Ops ops) {
    this.ops = ops;
    children.values().forEach(module -> module.attach(ops));
  }

  /** The operations of the device that the parameters are on. */
  protected final Ops ops() {
    if (ops == null) {
      throw new IllegalStateException("bind the model to Parameters first");
    }
    return ops;
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
