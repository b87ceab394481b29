package dev.culebra.backend;

import static dev.culebra.backend.TensorChecks.fit;
import static dev.culebra.backend.TensorChecks.present;
import static dev.culebra.backend.TensorChecks.same;
import static dev.culebra.backend.TensorChecks.typed;

import dev.culebra.tensor.DType;
import dev.culebra.tensor.Tensor;

/** Simple elementwise operations: sum, constant, type conversion. */
public abstract class ElementwiseOp extends Op {
  /** With the {@code context} of its backend. */
  protected ElementwiseOp(OpContext context) {
    super(context);
  }

  /** out = a + b, elementwise; may be in place. */
  public final void add(Tensor out, Tensor a, Tensor b) {
    String op = "add";
    typed(op, "a", a, dtype());
    same(op, "b", b, "a", a);
    same(op, "out", out, "a", a);

    begin();
    runAdd(out, a, b);
    if (end()) {
      moved(op, out, a, b);
    }
  }

  /** Sets all elements of a tensor, which may also be F32 on a BF16 backend. */
  public final void fill(Tensor out, float value) {
    String op = "fill";
    present(op, "out", out);
    typed(op, "out", out, out.dtype() == dtype() ? dtype() : DType.F32);

    begin();
    runFill(out, value);
    if (end()) {
      moved(op, out);
    }
  }

  /**
   * out = in, from F32 to BF16 or back. To BF16 it rounds to nearest, ties to even.
   *
   * @param out of the other type, with as many elements as {@code in}
   */
  public final void convert(Tensor out, Tensor in) {
    String op = "convert";
    present(op, "out", out);
    boolean rounds = out.dtype() == DType.BF16;
    typed(op, "out", out, rounds ? DType.BF16 : DType.F32);
    typed(op, "in", in, rounds ? DType.F32 : DType.BF16);
    fit(op, out.elements() == in.elements(), "out", out, "in", in);

    begin();
    runConvert(out, in);
    if (end()) {
      moved(op, out, in);
    }
  }

  /** {@link #add} with checked arguments. */
  protected abstract void runAdd(Tensor out, Tensor a, Tensor b);

  /** {@link #fill} with checked arguments. */
  protected abstract void runFill(Tensor out, float value);

  /** {@link #convert} with checked arguments. */
  protected abstract void runConvert(Tensor out, Tensor in);
}
