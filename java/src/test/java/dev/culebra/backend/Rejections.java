package dev.culebra.backend;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.culebra.tensor.Buffer;
import dev.culebra.tensor.DType;
import dev.culebra.tensor.Shape;
import dev.culebra.tensor.Tensor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Parameter;
import java.lang.reflect.Proxy;
import java.util.Set;
import java.util.stream.IntStream;

/**
 * Calls an operation with each tensor in turn missing, of the wrong type, or of the wrong shape:
 * all must throw, name the tensor, and leave all memory as it was.
 */
final class Rejections {
  /** Tensors marked "or null" in {@link Ops}. */
  private static final Set<String> NULLABLE =
      Set.of(
          "embeddingForward positionTable",
          "embeddingForward offset",
          "embeddingBackward dPositionTable",
          "layerNormForward mean",
          "layerNormForward bias",
          "layerNormBackward mean",
          "layerNormBackward dBias",
          "layerNormBackward dBranchBias",
          "residualLayerNormForward mean",
          "residualLayerNormForward bias",
          "residualLayerNormBackward mean",
          "residualLayerNormBackward dBias",
          "residualLayerNormBackward dBranchBias",
          "headsForward offset",
          "linearForward preActivation",
          "linearForward bias",
          "linearBackward dIn",
          "linearBackward dBias");

  /** Tensors of any float type. */
  private static final Set<String> ANY_FLOAT = Set.of("fill out");

  /** Tensors of any shape. */
  private static final Set<String> SHAPELESS =
      Set.of("fill out", "norm in", "orthogonalise matrices");

  private Rejections() {}

  /**
   * Runs {@code opCase}, whose arguments are right, with a wrong one at a time before each call.
   */
  static void check(OpCase opCase, Backend backend, Buffer memory) {
    OpRun.of(opCase, backend, memory, run -> intercepted(run, backend.ops()));
  }

  private static Ops intercepted(OpRun run, Ops ops) {
    return (Ops)
        Proxy.newProxyInstance(
            Ops.class.getClassLoader(),
            new Class<?>[] {Ops.class},
            (proxy, method, args) -> {
              Parameter[] parameters = method.getParameters();
              for (int i = 0; i < args.length; i++) {
                if (args[i] instanceof Tensor tensor) {
                  checkArgument(run, ops, method, args, i, parameters[i].getName(), tensor);
                }
              }
              return invoke(ops, method, args);
            });
  }

  private static void checkArgument(
      OpRun run, Ops ops, Method method, Object[] args, int i, String name, Tensor tensor) {
    String argument = method.getName() + " " + name;
    if (!NULLABLE.contains(argument)) {
      assertRejected(run, ops, method, replaced(args, i, null), name);
    }
    for (DType wrong : DType.values()) {
      boolean accepted =
          wrong == tensor.dtype() || wrong != DType.I32 && ANY_FLOAT.contains(argument);
      if (!accepted) {
        Tensor retyped = run.output(wrong, dims(tensor, 0));
        assertRejected(run, ops, method, replaced(args, i, retyped), retyped.toString());
      }
    }
    if (!SHAPELESS.contains(argument)) {
      Tensor reshaped = run.output(tensor.dtype(), dims(tensor, 1));
      assertRejected(run, ops, method, replaced(args, i, reshaped), reshaped.toString());
    }
  }

  private static void assertRejected(
      OpRun run, Ops ops, Method method, Object[] args, String mentions) {
    byte[] before = run.everything();
    assertThatThrownBy(() -> invoke(ops, method, args))
        .as("%s with a wrong %s", method.getName(), mentions)
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith(method.getName() + ": ")
        .hasMessageContaining(mentions)
        .hasMessageNotContaining("\n");
    assertThat(run.everything()).as("memory after a rejected call").isEqualTo(before);
  }

  private static Object invoke(Ops ops, Method method, Object[] args) throws Throwable {
    try {
      return method.invoke(ops, args);
    } catch (InvocationTargetException e) {
      throw e.getCause();
    }
  }

  private static Object[] replaced(Object[] args, int i, Tensor tensor) {
    Object[] changed = args.clone();
    changed[i] = tensor;
    return changed;
  }

  /** The dimensions, every one larger by {@code more}. */
  private static int[] dims(Tensor tensor, int more) {
    Shape shape = tensor.shape();
    return IntStream.range(0, shape.rank()).map(i -> shape.dim(i) + more).toArray();
  }
}
