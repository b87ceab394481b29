package dev.culebra.backend;

import dev.culebra.backend.cpu.CpuBackend;
import dev.culebra.tensor.Buffer;
import dev.culebra.tensor.DType;
import dev.culebra.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;

/**
 * What a BF16 backend computes, on the processor: each operation of the CPU on F32 copies of its
 * BF16 tensors, whose results are rounded to nearest. For tests of what is above the backends, and
 * of the contract of the operations itself.
 */
public final class Bf16EmulationBackend implements Backend {
  private final CpuBackend cpu;
  private final Ops ops;

  /** With the given number of threads. */
  public Bf16EmulationBackend(int threads) {
    cpu = new CpuBackend(threads);
    OpChecks checks = new OpChecks(DType.BF16);
    ops =
        (Ops)
            Proxy.newProxyInstance(
                Ops.class.getClassLoader(),
                new Class<?>[] {Ops.class},
                (proxy, method, args) -> {
                  Method check =
                      OpChecks.class.getMethod(method.getName(), method.getParameterTypes());
                  invoke(check, checks, args);
                  call(method, args);
                  return null;
                });
  }

  private static void invoke(Method method, Object on, Object[] args) throws Throwable {
    try {
      method.invoke(on, args);
    } catch (InvocationTargetException e) {
      throw e.getCause();
    }
  }

  private void call(Method method, Object[] args) throws Throwable {
    switch (method.getName()) {
      case "convert" -> invoke(method, cpu.ops(), args);
      case "residualLayerNormForward" -> residualLayerNorm(args);
      case "layerNormBackward", "residualLayerNormBackward" -> layerNormBackward(method, args);
      case "adamW" -> {
        AdamWStep step = (AdamWStep) args[args.length - 1];
        optimizerStep(method, args, step.step(), step.seed());
      }
      case "muonUpdate" -> {
        MuonStep step = (MuonStep) args[args.length - 1];
        optimizerStep(method, args, step.step(), step.seed());
      }
      default -> callOnCopies(method, args);
    }
  }

  private void callOnCopies(Method method, Object[] args) throws Throwable {
    try (WidenedCopies copies = new WidenedCopies(cpu)) {
      Object[] widened = new Object[args.length];
      for (int i = 0; i < args.length; i++) {
        widened[i] = args[i] instanceof Tensor tensor ? copies.of(tensor) : args[i];
      }
      invoke(method, cpu.ops(), widened);
      copies.writeBack();
    }
  }

  /** The normalised sum is the one that is kept, rounded. */
  private void residualLayerNorm(Object[] args) {
    Tensor sum = (Tensor) args[1];
    ops.add(sum, (Tensor) args[4], (Tensor) args[5]);
    ops.layerNormForward(
        (Tensor) args[0],
        (Tensor) args[2],
        (Tensor) args[3],
        sum,
        (Tensor) args[6],
        (Tensor) args[7]);
  }

  /** The rows that are added to the fourth argument are those that the first one keeps, rounded. */
  private void layerNormBackward(Method method, Object[] args) throws Throwable {
    Object[] withoutSums = args.clone();
    withoutSums[3] = null;
    callOnCopies(method, withoutSums);
    if (args[3] instanceof Tensor sums) {
      float[] gradient = readFloatsBlocking((Tensor) args[0]);
      float[] total = cpu.readFloatsBlocking(sums);
      for (int i = 0; i < gradient.length; i++) {
        total[i % total.length] += gradient[i];
      }
      cpu.upload(sums, MemorySegment.ofArray(total));
    }
  }

  /** On the values, which come second, then rounded to the weights, which come first. */
  private void optimizerStep(Method method, Object[] args, int step, long seed) throws Throwable {
    Object[] withoutWeights = args.clone();
    withoutWeights[0] = null;
    callOnCopies(method, withoutWeights);
    Tensor weights = (Tensor) args[0];
    float[] values = cpu.readFloatsBlocking((Tensor) args[1]);
    double[] rounded = ReferenceRandom.roundedByChance(Numbers.widened(values), step, seed);
    byte[] bytes = Elements.bytes(DType.BF16, Numbers.rounded(rounded));
    cpu.upload(weights, MemorySegment.ofArray(bytes));
  }

  @Override
  public String name() {
    return "bf16 on " + cpu.name();
  }

  @Override
  public DType dtype() {
    return DType.BF16;
  }

  @Override
  public Ops ops() {
    return ops;
  }

  @Override
  public Buffer allocate(long bytes) {
    return cpu.allocate(bytes);
  }

  @Override
  public void upload(Tensor dst, MemorySegment src) {
    cpu.upload(dst, src);
  }

  @Override
  public void readBlocking(MemorySegment dst, Tensor src) {
    cpu.readBlocking(dst, src);
  }

  @Override
  public void synchronize() {
    cpu.synchronize();
  }

  @Override
  public MemoryReport memory() {
    return cpu.memory();
  }

  @Override
  public void close() {
    cpu.close();
  }
}
