package dev.culebra.nn;

import static dev.culebra.nn.Parameter.gradientOf;
import static dev.culebra.nn.Parameter.valueOf;

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
 * makes an encoder. If its {@link HeadsSpec} says so, queries and keys are normalised, scaled and
 * rotated, and keys and values are shared, between projection and attention.
 */
public final class CausalSelfAttention extends Module {
  private final HeadsSpec heads;
  private final int attentionWidth;
  private final int projectedWidth;
  private final boolean causal;
  private final Linear qkv;
  private final Parameter queryScale;
  private final Parameter keyScale;
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
   * The attention of each block of the model that {@code config} describes; an encoder's if not
   * {@code causal}.
   */
  public CausalSelfAttention(GptConfig config, boolean causal) {
    int width = config.embd();
    this.heads = config.headsSpec();
    this.attentionWidth = config.attentionWidth();
    this.projectedWidth = config.projectedWidth();
    this.causal = causal;
    this.qkv = child("c_attn", new Linear(width, projectedWidth, config.hasQkvBias()));
    this.queryScale = config.qkScale() ? scale("q_norm.weight", config) : null;
    this.keyScale = config.qkScale() ? scale("k_norm.weight", config) : null;
    Init projection = Init.residualProjection(config.layers());
    this.project =
        child(
            "c_proj",
            new Linear(
                attentionWidth,
                width,
                config.hasAttentionOutBias(),
                Activation.IDENTITY,
                projection));
    this.dropout = child("dropout", new Dropout(config.dropout()));
  }

  private Parameter scale(String name, GptConfig config) {
    return parameter(name, Init.ONES, config.sizeOfHead());
  }

  @Override
  public void plan(Planner planner, int batch, int time) {
    useCache(null, false);
    qkv.plan(planner, batch, time);
    prepared = heads.isPlain() ? null : planner.activation(batch, time, 3 * attentionWidth);
    dropout.plan(planner, batch, time);
    spec = new AttentionSpec(heads.heads(), causal, DropoutSpec.NONE);
    specWithDropout = new AttentionSpec(heads.heads(), causal, dropout.planned());
    out = planner.activation(batch, time, attentionWidth);
    logSumExp = planner.statistics(batch, heads.heads(), time);
    if (planner.training()) {
      delta = planner.scratch(DType.F32, batch, heads.heads(), time);
      dPacked = planner.gradient(batch, time, 3 * attentionWidth);
      dProjected = heads.isPlain() ? null : planner.gradient(batch, time, projectedWidth);
    }
    project.plan(planner, batch, time);
  }

  /**
   * Makes forward passes write their keys and values to {@code cache} from now on.
   *
   * @param decoding whether they append one token, or fill the cache from position 0
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

  /** Queries, keys and values (B, T, 3A) as attention reads them, A = heads · head size. */
  private Tensor prepare(Tensor projected) {
    this.projected = projected;
    if (prepared == null) {
      return projected;
    }
    ops()
        .heads()
        .forward(
            prepared,
            projected,
            valueOf(queryScale),
            valueOf(keyScale),
            decoding ? cache.position() : null,
            heads);
    return prepared;
  }

  /** The gradient of the input. */
  public Tensor backward(Tensor dOut) {
    return backward(dOut, true);
  }

  /** The same; computes the gradient of the projection's bias only if {@code biasToo}. */
  Tensor backward(Tensor dOut, boolean biasToo) {
    ops()
        .attention()
        .backward(
            dPacked, delta, project.backward(dOut, biasToo), out, logSumExp, packed, current());
    if (prepared == null) {
      return qkv.backward(dPacked);
    }
    ops()
        .heads()
        .backward(
            dProjected,
            gradientOf(queryScale),
            gradientOf(keyScale),
            dPacked,
            projected,
            valueOf(queryScale),
            valueOf(keyScale),
            heads);
    return qkv.backward(dProjected);
  }

  /** The bias gradient of the projection into the stream; null without a bias. */
  Tensor projectionBiasGradient() {
    return project.biasGradient();
  }

  private AttentionSpec current() {
    return dropout.isActive() ? specWithDropout : spec;
  }
}
