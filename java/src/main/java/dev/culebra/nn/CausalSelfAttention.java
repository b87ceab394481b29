package dev.culebra.nn;

import dev.culebra.backend.Activation;
import dev.culebra.backend.AttentionSpec;
import dev.culebra.backend.DropoutSpec;
import dev.culebra.backend.HeadsSpec;
import dev.culebra.backend.Planner;
import dev.culebra.tensor.DType;
import dev.culebra.tensor.Tensor;

/**
 * Multi-head self-attention, all heads in one (Vaswani et al., 2017): one projection to Q, K, V,
 * attention, one projection back. With {@code causal} false every position sees every other, which
 * makes an encoder. Where its {@link HeadsSpec} asks for it, queries and keys are normalised and
 * turned, and keys and values shared, between projection and attention.
 */
public final class CausalSelfAttention extends Module {
  private final int width;
  private final HeadsSpec heads;
  private final int projectedWidth;
  private final boolean causal;
  private final Linear qkv;
  private final Linear project;
  private final Dropout dropout;
  private Tensor projected;
  private Tensor prepared;
  private Tensor packed;
  private Tensor out;
  private Tensor logSumExp;
  private Tensor dPacked;
  private Tensor dProjected;
  private Tensor delta;
  private AttentionSpec spec;
  private AttentionSpec specWithDropout;
  private KvCache.Layer cache;
  private boolean decoding;

  /**
   * @param width C, a multiple of {@code heads}
   * @param dropout on the attention probabilities
   * @param projection initialisation of the projection into the residual stream
   */
  public CausalSelfAttention(
      int width, int heads, boolean causal, boolean bias, float dropout, Init projection) {
    this(width, new HeadsSpec(heads, heads, false, false), causal, bias, dropout, projection);
  }

  /** The same with heads of any kind. */
  public CausalSelfAttention(
      int width, HeadsSpec heads, boolean causal, boolean bias, float dropout, Init projection) {
    if (width % heads.heads() != 0) {
      throw new IllegalArgumentException(
          "heads must divide the width: %d heads, width %d".formatted(heads.heads(), width));
    }
    this.width = width;
    this.heads = heads;
    this.projectedWidth = width / heads.heads() * heads.projected();
    this.causal = causal;
    this.qkv = child("c_attn", new Linear(width, projectedWidth, bias));
    this.project = child("c_proj", new Linear(width, width, bias, Activation.IDENTITY, projection));
    this.dropout = child("dropout", new Dropout(dropout));
  }

  @Override
  public void plan(Planner planner, int batch, int time) {
    useCache(null, false);
    qkv.plan(planner, batch, time);
    prepared = heads.isPlain() ? null : planner.activation(batch, time, 3 * width);
    dropout.plan(planner, batch, time);
    spec = new AttentionSpec(heads.heads(), causal, DropoutSpec.NONE);
    specWithDropout = new AttentionSpec(heads.heads(), causal, dropout.planned());
    out = planner.activation(batch, time, width);
    logSumExp = planner.statistics(batch, heads.heads(), time);
    if (planner.training()) {
      delta = planner.scratch(DType.F32, batch, heads.heads(), time);
      dPacked = planner.gradient(batch, time, 3 * width);
      dProjected = heads.isPlain() ? null : planner.gradient(batch, time, projectedWidth);
    }
    project.plan(planner, batch, time);
  }

  /**
   * From now on forward passes write their keys and values to {@code cache}.
   *
   * @param decoding whether they continue what is there by one token, or fill it from position 0
   */
  void useCache(KvCache.Layer cache, boolean decoding) {
    this.cache = cache;
    this.decoding = decoding;
  }

  /** (B, T, C) → (B, T, C). */
  public Tensor forward(Tensor in) {
    packed = prepare(qkv.forward(in));
    if (decoding) {
      ops()
          .attentionDecode()
          .forward(out, cache.keys(), cache.values(), packed, cache.position(), heads.heads());
      return project.forward(out);
    }
    if (cache != null) {
      ops().attentionDecode().cacheKeysValues(cache.keys(), cache.values(), packed, heads.heads());
    }
    ops().attention().forward(out, logSumExp, packed, current());
    return project.forward(out);
  }

  /** Queries, keys and values (B, T, 3C) as attention reads them. */
  private Tensor prepare(Tensor projected) {
    this.projected = projected;
    if (prepared == null) {
      return projected;
    }
    ops().heads().forward(prepared, projected, decoding ? cache.position() : null, heads);
    return prepared;
  }

  /** The gradient of the input. */
  public Tensor backward(Tensor dOut) {
    return backward(dOut, true);
  }

  /** The same, the gradient of the projection's bias only where {@code biasToo}. */
  Tensor backward(Tensor dOut, boolean biasToo) {
    ops()
        .attention()
        .backward(
            dPacked, delta, project.backward(dOut, biasToo), out, logSumExp, packed, current());
    if (prepared == null) {
      return qkv.backward(dPacked);
    }
    ops().heads().backward(dProjected, dPacked, projected, heads);
    return qkv.backward(dProjected);
  }

  /** Of the projection into the stream; null without a bias. */
  Tensor projectionBiasGradient() {
    return project.biasGradient();
  }

  private AttentionSpec current() {
    return dropout.isActive() ? specWithDropout : spec;
  }
}
