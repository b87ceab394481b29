package dev.culebra.backend.cpu;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import dev.culebra.backend.Activation;
import dev.culebra.tensor.Tensor;
import java.lang.foreign.MemorySegment;

/** Linear layer. */
final class LinearCpu {
  private final Kernels kernels;

  LinearCpu(WorkerPool pool, Kernels kernels) {
    this.kernels = kernels;
  }

  void forward(
      Tensor out,
      Tensor preActivation,
      Tensor in,
      Tensor weight,
      Tensor bias,
      Activation activation) {
    int n = in.shape().rows();
    int ic = weight.shape().dim(1);
    int oc = weight.shape().dim(0);
    MemorySegment pre = (preActivation == null ? out : preActivation).segment();
    for (int r = 0; r < n; r++) {
      for (int o = 0; o < oc; o++) {
        float sum = bias == null ? 0 : bias.getFloat(o);
        for (int i = 0; i < ic; i++) {
          sum += in.getFloat((long) r * ic + i) * weight.getFloat((long) o * ic + i);
        }
        pre.setAtIndex(JAVA_FLOAT, (long) r * oc + o, sum);
      }
    }
    if (activation != Activation.IDENTITY) {
      kernels.activationForward(out.segment(), 0, pre, 0, n * oc, activation);
    }
  }

  void backward(Tensor dIn, Tensor dWeight, Tensor dBias, Tensor dOut, Tensor in, Tensor weight) {
    int n = in.shape().rows();
    int ic = weight.shape().dim(1);
    int oc = weight.shape().dim(0);
    for (int r = 0; r < n; r++) {
      for (int i = 0; dIn != null && i < ic; i++) {
        float sum = 0;
        for (int o = 0; o < oc; o++) {
          sum += dOut.getFloat((long) r * oc + o) * weight.getFloat((long) o * ic + i);
        }
        dIn.setFloat((long) r * ic + i, sum);
      }
      for (int o = 0; o < oc; o++) {
        float d = dOut.getFloat((long) r * oc + o);
        for (int i = 0; i < ic; i++) {
          long w = (long) o * ic + i;
          dWeight.setFloat(w, dWeight.getFloat(w) + d * in.getFloat((long) r * ic + i));
        }
        if (dBias != null) {
          dBias.setFloat(o, dBias.getFloat(o) + d);
        }
      }
    }
  }
}
