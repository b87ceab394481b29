package dev.culebra.backend;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.culebra.backend.OpRun.Freedom;
import dev.culebra.tensor.Buffer;
import dev.culebra.tensor.DType;
import dev.culebra.tensor.Shape;
import dev.culebra.tensor.Tensor;
import java.util.HashSet;
import java.util.Set;
import java.util.stream.IntStream;

/**
 * Calls an operation with each tensor in turn missing, of the wrong type, or of the wrong shape:
 * every call must throw, name the tensor, and leave all memory unchanged. Optional arguments may be
 * missing.
 */
final class Rejections {
  private final OpCase opCase;
  private final Backend backend;
  private final Buffer memory;
  private final Set<String> messages = new HashSet<>();

  private Rejections(OpCase opCase, Backend backend, Buffer memory) {
    this.opCase = opCase;
    this.backend = backend;
    this.memory = memory;
  }

  /** Runs {@code opCase}, whose arguments are valid, with one wrong argument at a time. */
  static void check(OpCase opCase, Backend backend, Buffer memory) {
    OpRun right = OpRun.of(opCase, backend, memory);
    Rejections rejections = new Rejections(opCase, backend, memory);
    for (int i = 0; i < right.placed(); i++) {
      Set<Freedom> freedoms = right.freedoms(i);
      if (!freedoms.contains(Freedom.PART)) {
        rejections.checkMissing(i, freedoms);
        rejections.checkTypes(i, right.tensor(i), freedoms);
        if (!freedoms.contains(Freedom.SHAPE)) {
          rejections.checkInstead(i, right.tensor(i).dtype(), dims(right.tensor(i), 1));
        }
      }
    }
  }

  /** Tensors have different names, so all messages differ. */
  private void checkMissing(int wrong, Set<Freedom> freedoms) {
    OpRun run = run((it, index, tensor) -> index == wrong ? null : tensor);
    if (freedoms.contains(Freedom.ABSENT)) {
      run.call();
    } else {
      String message = message(run, "without tensor " + wrong);
      assertThat(messages.add(message)).as("%s tells tensors apart", message).isTrue();
    }
  }

  private void checkTypes(int wrong, Tensor tensor, Set<Freedom> freedoms) {
    for (DType type : DType.values()) {
      boolean accepted =
          type == tensor.dtype() || type != DType.I32 && freedoms.contains(Freedom.FLOAT);
      if (!accepted) {
        checkInstead(wrong, type, dims(tensor, 0));
      }
    }
  }

  private void checkInstead(int wrong, DType type, int[] dims) {
    OpRun run = run((it, index, tensor) -> index == wrong ? it.output(type, dims) : tensor);
    String other = type + " " + Shape.of(dims);
    assertThat(message(run, "with " + other)).contains(other);
  }

  private OpRun run(OpRun.Instead instead) {
    return OpRun.with(instead, opCase, backend, memory);
  }

  /** The message of a call that must fail. */
  private String message(OpRun run, String call) {
    Throwable[] thrown = new Throwable[1];
    assertThatThrownBy(run::call)
        .as("%s %s", opCase.op(), call)
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith(opCase.op() + ": ")
        .hasMessageNotContaining("\n")
        .satisfies(e -> thrown[0] = e);
    assertThat(run.isUntouched()).as("memory is as it was after %s", thrown[0]).isTrue();
    return thrown[0].getMessage();
  }

  /** The dimensions, each larger by {@code more}. */
  private static int[] dims(Tensor tensor, int more) {
    Shape shape = tensor.shape();
    return IntStream.range(0, shape.rank()).map(i -> shape.dim(i) + more).toArray();
  }
}
