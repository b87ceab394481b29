package dev.culebra.backend.cuda;

import dev.culebra.backend.AttentionSpec;
import dev.culebra.tensor.Tensor;

/** One family of attention kernels. */
interface AttentionPath {
  /** Whether these kernels support this call on this GPU. */
  boolean takes(int headSize, AttentionSpec spec, Tensor... tensors);

  void forward(Tensor out, Tensor logSumExp, Tensor qkv, AttentionSpec spec);

  void backward(
      Tensor dQkv,
      Tensor delta,
      Tensor dOut,
      Tensor out,
      Tensor logSumExp,
      Tensor qkv,
      AttentionSpec spec);
}
