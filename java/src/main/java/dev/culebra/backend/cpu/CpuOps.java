package dev.culebra.backend.cpu;

import dev.culebra.backend.*;
import dev.culebra.tensor.Tensor;

final class CpuOps implements Ops {
  private final LinearCpu linear;

  CpuOps(WorkerPool pool, Kernels kernels) {
    linear = new LinearCpu(pool, kernels);
  }

  @Override
  public void embeddingForward(
      Tensor out, Tensor tokens, Tensor tokenTable, Tensor positionTable, Tensor offset) {
    throw new UnsupportedOperationException();
  }

  @Override
  public void embeddingBackward(
      Tensor dTokenTable, Tensor dPositionTable, Tensor dOut, Tensor tokens) {
    throw new UnsupportedOperationException();
  }

  @Override
  public void layerNormForward(
      Tensor out, Tensor mean, Tensor rstd, Tensor in, Tensor weight, Tensor bias) {
    throw new UnsupportedOperationException();
  }

  @Override
  public void layerNormBackward(
      Tensor dIn,
      Tensor dWeight,
      Tensor dBias,
      Tensor dOut,
      Tensor in,
      Tensor mean,
      Tensor rstd,
      Tensor weight) {
    throw new UnsupportedOperationException();
  }

  @Override
  public void residualLayerNormForward(
      Tensor out,
      Tensor sum,
      Tensor mean,
      Tensor rstd,
      Tensor stream,
      Tensor branch,
      Tensor weight,
      Tensor bias) {
    throw new UnsupportedOperationException();
  }

  @Override
  public void residualLayerNormBackward(
      Tensor dSum,
      Tensor dWeight,
      Tensor dBias,
      Tensor dOut,
      Tensor sum,
      Tensor mean,
      Tensor rstd,
      Tensor weight) {
    throw new UnsupportedOperationException();
  }

  @Override
  public void linearForward(
      Tensor out,
      Tensor preActivation,
      Tensor in,
      Tensor weight,
      Tensor bias,
      Activation activation) {
    linear.forward(out, preActivation, in, weight, bias, activation);
  }

  @Override
  public void linearBackward(
      Tensor dIn, Tensor dWeight, Tensor dBias, Tensor dOut, Tensor in, Tensor weight) {
    linear.backward(dIn, dWeight, dBias, dOut, in, weight);
  }

  @Override
  public void activationForward(Tensor out, Tensor in, Activation activation) {
    throw new UnsupportedOperationException();
  }

  @Override
  public void activationBackward(Tensor dIn, Tensor dOut, Tensor in, Activation activation) {
    throw new UnsupportedOperationException();
  }

  @Override
  public void attentionForward(Tensor out, Tensor logSumExp, Tensor qkv, AttentionSpec spec) {
    throw new UnsupportedOperationException();
  }

  @Override
  public void attentionBackward(
      Tensor dQkv,
      Tensor delta,
      Tensor dOut,
      Tensor out,
      Tensor logSumExp,
      Tensor qkv,
      AttentionSpec spec) {
    throw new UnsupportedOperationException();
  }

  @Override
  public void cacheKeysValues(Tensor keys, Tensor values, Tensor qkv) {
    throw new UnsupportedOperationException();
  }

  @Override
  public void attentionDecode(
      Tensor out, Tensor keys, Tensor values, Tensor qkv, Tensor position, int heads) {
    throw new UnsupportedOperationException();
  }

  @Override
  public void dropoutForward(Tensor out, Tensor in, Dropout dropout) {
    throw new UnsupportedOperationException();
  }

  @Override
  public void dropoutBackward(Tensor dIn, Tensor dOut, Dropout dropout) {
    throw new UnsupportedOperationException();
  }

  @Override
  public void crossEntropyForward(
      Tensor losses, Tensor meanLoss, Tensor logits, Tensor targets, int vocab, float scale) {
    throw new UnsupportedOperationException();
  }

  @Override
  public void crossEntropyForwardBackward(
      Tensor losses, Tensor meanLoss, Tensor logits, Tensor targets, int vocab, float scale) {
    throw new UnsupportedOperationException();
  }

  @Override
  public void add(Tensor out, Tensor a, Tensor b) {
    throw new UnsupportedOperationException();
  }

  @Override
  public void fill(Tensor out, float value) {
    throw new UnsupportedOperationException();
  }

  @Override
  public void norm(Tensor norm, Tensor in) {
    throw new UnsupportedOperationException();
  }

  @Override
  public void adamW(
      Tensor values,
      Tensor gradients,
      Tensor firstMoment,
      Tensor secondMoment,
      Tensor gradientNorm,
      long decayed,
      AdamWStep step) {
    throw new UnsupportedOperationException();
  }

  @Override
  public void sample(Tensor tokens, Tensor logits, int vocab, SamplingSpec spec, RandomKey key) {
    throw new UnsupportedOperationException();
  }
}
