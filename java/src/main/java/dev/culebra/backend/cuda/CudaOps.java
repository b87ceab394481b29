package dev.culebra.backend.cuda;

import dev.culebra.backend.Activation;
import dev.culebra.backend.AdamWStep;
import dev.culebra.backend.AttentionSpec;
import dev.culebra.backend.DropoutSpec;
import dev.culebra.backend.HeadsSpec;
import dev.culebra.backend.MuonStep;
import dev.culebra.backend.OpChecks;
import dev.culebra.backend.Ops;
import dev.culebra.backend.RandomKey;
import dev.culebra.backend.SamplingSpec;
import dev.culebra.cuda.Blas;
import dev.culebra.cuda.BlasLt;
import dev.culebra.cuda.GemmCall;
import dev.culebra.tensor.Tensor;

/** {@link Ops} on a GPU: arguments are checked here, one class does each operation. */
final class CudaOps implements Ops {
  private final OpChecks checks;
  private final EmbeddingCuda embedding;
  private final LayerNormCuda layerNorm;
  private final LinearCuda linear;
  private final ActivationCuda activation;
  private final GatedCuda gated;
  private final HeadsCuda heads;
  private final AttentionCuda attention;
  private final AttentionDecodeCuda decode;
  private final DropoutCuda dropout;
  private final SoftcapCuda softcap;
  private final CrossEntropyCuda classifier;
  private final ElementwiseCuda elementwise;
  private final NormCuda norm;
  private final AdamWCuda adamW;
  private final MuonCuda muon;
  private final SamplingCuda sample;

  /**
   * @param lt null for products without cublasLt
   */
  CudaOps(Launcher launcher, Blas blas, BlasLt lt, CudaConfig config) {
    GemmCall.Precision precision =
        config.tf32() ? GemmCall.Precision.TF32 : GemmCall.Precision.FULL;
    checks = new OpChecks(config.dtype());
    embedding = new EmbeddingCuda(launcher);
    ColumnSumsCuda columnSums = new ColumnSumsCuda(launcher);
    layerNorm = new LayerNormCuda(launcher, columnSums);
    activation = new ActivationCuda(launcher);
    linear = new LinearCuda(launcher, activation, columnSums, blas, lt, precision);
    gated = new GatedCuda(launcher);
    heads = new HeadsCuda(launcher);
    attention = new AttentionCuda(launcher, config.kernels().attention());
    decode = new AttentionDecodeCuda(launcher);
    dropout = new DropoutCuda(launcher);
    softcap = new SoftcapCuda(launcher);
    classifier = new CrossEntropyCuda(launcher);
    elementwise = new ElementwiseCuda(launcher);
    norm = new NormCuda(launcher);
    adamW = new AdamWCuda(launcher);
    muon = new MuonCuda(launcher, blas, norm, precision);
    sample = new SamplingCuda(launcher);
  }

  @Override
  public void embeddingForward(
      Tensor out, Tensor tokens, Tensor tokenTable, Tensor positionTable, Tensor offset) {
    checks.embeddingForward(out, tokens, tokenTable, positionTable, offset);
    embedding.forward(out, tokens, tokenTable, positionTable, offset);
  }

  @Override
  public void embeddingBackward(
      Tensor dTokenTable, Tensor dPositionTable, Tensor dOut, Tensor tokens) {
    checks.embeddingBackward(dTokenTable, dPositionTable, dOut, tokens);
    embedding.backward(dTokenTable, dPositionTable, dOut, tokens);
  }

  @Override
  public void layerNormForward(
      Tensor out, Tensor mean, Tensor rstd, Tensor in, Tensor weight, Tensor bias) {
    checks.layerNormForward(out, mean, rstd, in, weight, bias);
    layerNorm.forward(out, mean, rstd, in, weight, bias);
  }

  @Override
  public void layerNormBackward(
      Tensor dIn,
      Tensor dWeight,
      Tensor dBias,
      Tensor dBranchBias,
      Tensor dOut,
      Tensor in,
      Tensor mean,
      Tensor rstd,
      Tensor weight) {
    checks.layerNormBackward(dIn, dWeight, dBias, dBranchBias, dOut, in, mean, rstd, weight);
    layerNorm.backward(dIn, false, dWeight, dBias, dBranchBias, dOut, in, mean, rstd, weight);
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
    checks.residualLayerNormForward(out, sum, mean, rstd, stream, branch, weight, bias);
    layerNorm.residualForward(out, sum, mean, rstd, stream, branch, weight, bias);
  }

  @Override
  public void residualLayerNormBackward(
      Tensor dSum,
      Tensor dWeight,
      Tensor dBias,
      Tensor dBranchBias,
      Tensor dOut,
      Tensor sum,
      Tensor mean,
      Tensor rstd,
      Tensor weight) {
    checks.residualLayerNormBackward(
        dSum, dWeight, dBias, dBranchBias, dOut, sum, mean, rstd, weight);
    layerNorm.backward(dSum, true, dWeight, dBias, dBranchBias, dOut, sum, mean, rstd, weight);
  }

  @Override
  public void linearForward(
      Tensor out,
      Tensor preActivation,
      Tensor in,
      Tensor weight,
      Tensor bias,
      Activation activation) {
    checks.linearForward(out, preActivation, in, weight, bias, activation);
    linear.forward(out, preActivation, in, weight, bias, activation);
  }

  @Override
  public void linearBackward(
      Tensor dIn,
      Tensor dWeight,
      Tensor dBias,
      Tensor dOut,
      Tensor in,
      Tensor weight,
      Tensor inPreActivation,
      Activation inActivation) {
    checks.linearBackward(dIn, dWeight, dBias, dOut, in, weight, inPreActivation, inActivation);
    linear.backward(dIn, dWeight, dBias, dOut, in, weight, inPreActivation, inActivation);
  }

  @Override
  public void activationForward(Tensor out, Tensor in, Activation activation) {
    checks.activationForward(out, in, activation);
    this.activation.forward(out, in, activation);
  }

  @Override
  public void activationBackward(Tensor dIn, Tensor dOut, Tensor in, Activation activation) {
    checks.activationBackward(dIn, dOut, in, activation);
    this.activation.backward(dIn, dOut, in, activation);
  }

  @Override
  public void gatedForward(Tensor out, Tensor in, Activation activation) {
    checks.gatedForward(out, in, activation);
    gated.forward(out, in, activation);
  }

  @Override
  public void gatedBackward(Tensor dIn, Tensor dOut, Tensor in, Activation activation) {
    checks.gatedBackward(dIn, dOut, in, activation);
    gated.backward(dIn, dOut, in, activation);
  }

  @Override
  public void headsForward(Tensor qkv, Tensor in, Tensor offset, HeadsSpec spec) {
    checks.headsForward(qkv, in, offset, spec);
    heads.forward(qkv, in, offset, spec);
  }

  @Override
  public void headsBackward(Tensor dIn, Tensor dQkv, Tensor in, HeadsSpec spec) {
    checks.headsBackward(dIn, dQkv, in, spec);
    heads.backward(dIn, dQkv, in, spec);
  }

  @Override
  public void attentionForward(Tensor out, Tensor logSumExp, Tensor qkv, AttentionSpec spec) {
    checks.attentionForward(out, logSumExp, qkv, spec);
    attention.forward(out, logSumExp, qkv, spec);
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
    checks.attentionBackward(dQkv, delta, dOut, out, logSumExp, qkv, spec);
    attention.backward(dQkv, delta, dOut, out, logSumExp, qkv, spec);
  }

  @Override
  public void cacheKeysValues(Tensor keys, Tensor values, Tensor qkv, int heads) {
    checks.cacheKeysValues(keys, values, qkv, heads);
    decode.cacheKeysValues(keys, values, qkv, heads);
  }

  @Override
  public void attentionDecode(
      Tensor out, Tensor keys, Tensor values, Tensor qkv, Tensor position, int heads) {
    checks.attentionDecode(out, keys, values, qkv, position, heads);
    decode.decode(out, keys, values, qkv, position, heads);
  }

  @Override
  public void dropoutForward(Tensor out, Tensor in, DropoutSpec dropout) {
    checks.dropoutForward(out, in, dropout);
    this.dropout.apply(out, in, dropout);
  }

  @Override
  public void dropoutBackward(Tensor dIn, Tensor dOut, DropoutSpec dropout) {
    checks.dropoutBackward(dIn, dOut, dropout);
    this.dropout.apply(dIn, dOut, dropout);
  }

  @Override
  public void softcapForward(Tensor out, Tensor in, float cap) {
    checks.softcapForward(out, in, cap);
    softcap.forward(out, in, cap);
  }

  @Override
  public void softcapBackward(Tensor dIn, Tensor dOut, Tensor in, float cap) {
    checks.softcapBackward(dIn, dOut, in, cap);
    softcap.backward(dIn, dOut, in, cap);
  }

  @Override
  public void crossEntropyForward(
      Tensor losses, Tensor meanLoss, Tensor logits, Tensor targets, int vocab, float scale) {
    checks.crossEntropyForward(losses, meanLoss, logits, targets, vocab, scale);
    classifier.compute(losses, meanLoss, logits, targets, vocab, scale, false);
  }

  @Override
  public void crossEntropyForwardBackward(
      Tensor losses, Tensor meanLoss, Tensor logits, Tensor targets, int vocab, float scale) {
    checks.crossEntropyForwardBackward(losses, meanLoss, logits, targets, vocab, scale);
    classifier.compute(losses, meanLoss, logits, targets, vocab, scale, true);
  }

  @Override
  public void add(Tensor out, Tensor a, Tensor b) {
    checks.add(out, a, b);
    elementwise.add(out, a, b);
  }

  @Override
  public void fill(Tensor out, float value) {
    checks.fill(out, value);
    elementwise.fill(out, value);
  }

  @Override
  public void convert(Tensor out, Tensor in) {
    checks.convert(out, in);
    elementwise.convert(out, in);
  }

  @Override
  public void norm(Tensor norm, Tensor in) {
    checks.norm(norm, in);
    this.norm.norm(norm, in);
  }

  @Override
  public void adamW(
      Tensor weights,
      Tensor values,
      Tensor gradients,
      Tensor firstMoment,
      Tensor secondMoment,
      Tensor gradientNorm,
      long decayed,
      AdamWStep step) {
    checks.adamW(
        weights, values, gradients, firstMoment, secondMoment, gradientNorm, decayed, step);
    adamW.update(
        weights, values, gradients, firstMoment, secondMoment, gradientNorm, decayed, step);
  }

  @Override
  public void muonMomentum(
      Tensor direction,
      Tensor momentum,
      Tensor gradients,
      Tensor gradientNorm,
      float mu,
      float maxNorm) {
    checks.muonMomentum(direction, momentum, gradients, gradientNorm, mu, maxNorm);
    muon.momentum(direction, momentum, gradients, gradientNorm, mu, maxNorm);
  }

  @Override
  public void orthogonalise(Tensor matrices) {
    checks.orthogonalise(matrices);
    muon.orthogonalise(matrices);
  }

  @Override
  public void muonUpdate(Tensor weights, Tensor values, Tensor direction, MuonStep step) {
    checks.muonUpdate(weights, values, direction, step);
    muon.update(weights, values, direction, step);
  }

  @Override
  public void sample(Tensor tokens, Tensor logits, int vocab, SamplingSpec spec, RandomKey key) {
    checks.sample(tokens, logits, vocab, spec, key);
    sample.sample(tokens, logits, vocab, spec, key);
  }
}
