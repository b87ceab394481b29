package dev.culebra.bench.cpu;

import dev.culebra.backend.Activation;
import dev.culebra.backend.AdamWStep;
import dev.culebra.tensor.Tensor;
import org.openjdk.jmh.annotations.Benchmark;

/** The optimizer, for as many numbers as the model has in its matrices. */
public class AdamWBench extends OpBench {
  private static final AdamWStep STEP = new AdamWStep(1, 1e-3f, 0.9f, 0.95f, 1e-8f, 0.1f, 1, 0);

  private Tensor values;
  private Tensor gradients;
  private Tensor firstMoment;
  private Tensor secondMoment;
  private Tensor norm;

  @Override
  protected void prepare() {
    int width = model().embd();
    int size =
        model().layers() * 12 * width * width + (model().paddedVocab() + model().context()) * width;
    values = floats(size);
    gradients = floats(size);
    firstMoment = floats(size);
    secondMoment = floats(size);
    ops().activation().forward(secondMoment, secondMoment, Activation.RELU);
    norm = floats(1);
  }

  @Benchmark
  public void step() {
    ops()
        .adamW()
        .update(null, values, gradients, firstMoment, secondMoment, norm, values.elements(), STEP);
  }

  @Benchmark
  public void norm() {
    ops().norm().compute(norm, gradients);
  }
}
