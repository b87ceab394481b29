package dev.culebra.backend;

import dev.culebra.tensor.DType;
import dev.culebra.tensor.Shape;
import dev.culebra.tensor.Tensor;

/**
 * What all operations have in common. Each has a file of its own: {@code FooOp} holds its contract,
 * the checks of its arguments, and what a call costs; {@code FooCpu} and {@code FooCuda} extend it
 * and compute. Its public methods are final: they check, then call what the backend has overridden,
 * so no backend can forget a check, and what a backend gets fits.
 *
 * <p>A tensor that is missing or whose type or shape does not fit throws {@link
 * IllegalArgumentException} with one line, before anything is written:
 *
 * <pre>linearForward: weight (OC, IC) = F32 (5, 3) does not fit in (N, IC) = F32 (4, 7)</pre>
 *
 * <p>Types are those of the dtype rule of {@link Ops}. As the convention there has it, the leading
 * dimensions of an activation (N, C) or (B, T, C) are folded to rows, and a vector (N) may come in
 * any shape of N elements; tables, weights, caches, {@code tokens} of an embedding, {@code qkv} and
 * {@code logSumExp} must have the rank they are documented with. What only the elements tell
 * (tokens, targets, positions in range) is left to the backends. Checks allocate nothing when
 * everything fits.
 */
public abstract class Op {
  private final OpContext context;

  /** With what it shares with the other operations of its backend. */
  protected Op(OpContext context) {
    this.context = context;
  }

  /** The type of activations and of the weights that operations read. */
  protected final DType dtype() {
    return context.dtype();
  }

  /** Arguments are right, and the work begins. */
  final void begin() {
    OpListener listener = context.listener();
    if (listener != null) {
      listener.begin();
    }
  }

  /**
   * The work has been done, or on a GPU queued. Returns whether somebody wants to know what it was:
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
   * Says what the work was.
   *
   * @param shape that tells calls of the operation apart
   * @param flops see {@link OpCall}
   * @param bytes see {@link OpCall}
   */
  final void called(String op, Object shape, double flops, double bytes) {
    context.listener().called(new OpCall(op, shape.toString(), flops, bytes));
  }

  /**
   * {@link #called} for an operation that reads or writes each of these tensors once; one that is
   * read and written is given twice, null is none. The shape is that of the first.
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
