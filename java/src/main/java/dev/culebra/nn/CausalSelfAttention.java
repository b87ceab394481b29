package dev.culebra.nn;

import static dev.culebra.nn.Parameter.gradientOf;
import static dev.culebra.nn.Parameter.valueOf;

import dev.culebra.backend.Activation;
import dev.culebra.backend.AttentionSpec;
import dev.culebra.backend.DropoutSpec;
import dev.culebra.backend.HeadsSpec;
import dev.culebra.backend.Planner;
import dev.culebra.tensor.DType;
import dev.culebra.tensor.Shape;
import dev.culebra.tensor.Tensor;
import java.util.List;
import java.util.stream.IntStream;

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
  private List<KvCache.Layer> caches = List.of();
  private boolean decoding;

  /**
   * While decoding, the rows of each sequence: of the projection, prepared for attention, of it.
   */
  private List<Tensor> projectedRows;

  private List<Tensor> preparedRows;
  private List<Tensor> outRows;

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
    useCaches(List.of(), false);
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
   * Makes forward passes write their keys and values to {@code caches} from now on. The plan must
   * have as many sequences.
   *
   * @param decoding whether they append one token, or fill the caches from position 0
   */
  void useCaches(List<KvCache.Layer> caches, boolean decoding) {
    this.caches = caches;
    this.decoding = decoding;
    if (decoding) {
      projectedRows = rows(qkv.output());
      preparedRows = prepared == null ? projectedRows : rows(prepared);
      outRows = rows(out);
    }
  }

  /** The rows (1, 1, C) of a tensor (B, 1, C). */
  static List<Tensor> rows(Tensor all) {
    int width = all.shape().dim(-1);
    return IntStream.range(0, all.shape().rows())
        .mapToObj(row -> all.slice((long) row * width, Shape.of(1, 1, width)))
        .toList();
  }

  /** (B, T, C) → (B, T, C). */
  public Tensor forward(Tensor in) {
    if (decoding) {
      return decode(in);
    }
    packed = prepare(qkv.forward(in));
    if (!caches.isEmpty()) {
      KvCache.Layer cache = caches.getFirst();
      ops().attentionDecode().cacheKeysValues(cache.keys(), cache.values(), packed, heads.heads());
    }
    ops().attention().forward(out, logSumExp, packed, current());
    return project.forward(out);
  }

  /** One token of each sequence: products are shared, the rest depends on a sequence's length. */
  private Tensor decode(Tensor in) {
    qkv.forward(in);
    for (int i = 0; i < caches.size(); i++) {
      KvCache.Layer cache = caches.get(i);
      Tensor row = preparedRows.get(i);
      if (prepared != null) {
        prepare(row, projectedRows.get(i), cache.position());
      }
      ops()
          .attentionDecode()
          .forward(
              outRows.get(i), cache.keys(), cache.values(), row, cache.position(), heads.heads());
    }
    return project.forward(out);
  }

  /** Queries, keys and values (B, T, 3A) as attention reads them, A = heads · head size. */
  private Tensor prepare(Tensor projected) {
    this.projected = projected;
    if (prepared == null) {
      return projected;
    }
    prepare(prepared, projected, null);
    return prepared;
  }

  private void prepare(Tensor to, Tensor projected, Tensor position) {
    ops().heads().forward(to, projected, valueOf(queryScale), valueOf(keyScale), position, heads);
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
