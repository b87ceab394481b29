package dev.culebra.backend;

import dev.culebra.tensor.DType;
import dev.culebra.tensor.Shape;
import dev.culebra.tensor.Tensor;

/**
 * Base class of all operations. Each has its own file: {@code FooOp} has the contract, the argument
 * checks and the cost of a call; {@code FooCpu} and {@code FooCuda} extend it and compute. The
 * public methods are final: they check their arguments, then call the backend's method. So no
 * backend can forget a check, and every backend gets valid arguments.
 *
 * <p>A missing tensor, or one whose type or shape does not fit, throws {@link
 * IllegalArgumentException} with one line, before anything is written:
 *
 * <pre>linearForward: weight (OC, IC) = F32 (5, 3) does not fit in (N, IC) = F32 (4, 7)</pre>
 *
 * <p>Types follow the dtype rule of {@link Ops}. By the conventions there, the leading dimensions
 * of an activation (N, C) or (B, T, C) are folded into rows, and a vector (N) may have any shape of
 * N elements; tables, weights, caches, {@code tokens} of an embedding, {@code qkv} and {@code
 * logSumExp} must have the rank they are documented with. Checks of the elements themselves
 * (tokens, targets and positions in range) are left to the backends. A check that passes allocates
 * nothing.
 */
public abstract class Op {
  private final OpContext context;

  /** With the {@code context} of its backend. */
  protected Op(OpContext context) {
    this.context = context;
  }

  /** The type of activations and of the weights that operations read. */
  protected final DType dtype() {
    return context.dtype();
  }

  /** The arguments are valid and the work starts. */
  final void begin() {
    OpListener listener = context.listener();
    if (listener != null) {
      listener.begin();
    }
  }

  /**
   * The work is done, or queued on a GPU. Returns whether there is a listener to report it to, by
   * {@link #called} or {@link #moved}.
   */
  final boolean end() {
    OpListener listener = context.listener();
    if (listener == null) {
      return false;
    }
    listener.end();
    return true;
  }

  /**
   * Reports the work to the listener.
   *
   * @param shape distinguishes calls of the operation
   * @param flops see {@link OpCall}
   * @param bytes see {@link OpCall}
   */
  final void called(String op, Object shape, double flops, double bytes) {
    context.listener().called(new OpCall(op, shape.toString(), flops, bytes));
  }

  /**
   * {@link #called} for an operation that reads or writes each of these tensors once. A tensor that
   * is read and written is listed twice; null is skipped. The shape is that of the first.
   */
  final void moved(String op, Tensor... tensors) {
    Shape shape = null;
    double bytes = 0;
    for (Tensor tensor : tensors) {
      if (tensor != null) {
        shape = shape == null ? tensor.shape() : shape;
        bytes += tensor.bytes();
      }
    }
    called(op, shape, 0, bytes);
  }
}
