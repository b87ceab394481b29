package dev.culebra.backend;

import static dev.culebra.backend.TensorChecks.alike;
import static dev.culebra.backend.TensorChecks.fit;
import static dev.culebra.backend.TensorChecks.present;
import static dev.culebra.backend.TensorChecks.require;
import static dev.culebra.backend.TensorChecks.rows;
import static dev.culebra.backend.TensorChecks.same;
import static dev.culebra.backend.TensorChecks.scalar;
import static dev.culebra.backend.TensorChecks.typed;
import static dev.culebra.backend.TensorChecks.vector;
import static dev.culebra.backend.TensorChecks.vectorOrNull;
import static dev.culebra.backend.TensorChecks.width;

import dev.culebra.tensor.DType;
import dev.culebra.tensor.Shape;
import dev.culebra.tensor.Tensor;

/**
 * The argument checks of {@link Ops}, one method an operation with the operation's own parameters.
 * Every backend calls it before anything is written. A tensor that is missing or whose type or
 * shape does not fit throws {@link IllegalArgumentException} with one line:
 *
 * <pre>linearForward: weight (OC, IC) = F32 (5, 3) does not fit in (N, IC) = F32 (4, 7)</pre>
 *
 * <p>Types are those of the dtype rule of {@link Ops}. As the convention there has it, the leading
 * dimensions of an activation (N, C) or (B, T, C) are folded to rows, and a vector (N) may come in
 * any shape of N elements; tables, weights, caches, {@code tokens} of an embedding, {@code qkv} and
 * {@code logSumExp} must have the rank they are documented with. What only the elements tell
 * (tokens, targets, positions in range) is left to the backends. Nothing is allocated when
 * everything fits. Immutable and thread-safe.
 */
public final class OpChecks {
  private final DType compute;

  /**
   * For a backend that computes in {@code compute}.
   *
   * @throws IllegalArgumentException if that is not a type of activations
   */
  public OpChecks(DType compute) {
    if (compute == DType.I32) {
      throw new IllegalArgumentException("activations cannot be I32");
    }
    this.compute = compute;
  }

  /** Checks {@link Ops#embeddingForward}. */
  public void embeddingForward(
      Tensor out, Tensor tokens, Tensor tokenTable, Tensor positionTable, Tensor offset) {
    String op = "embeddingForward";
    typed(op, "tokenTable (V, C)", tokenTable, compute, 2);
    embedding(op, "out (B, T, C)", out, tokens, "tokenTable (V, C)", tokenTable);
    if (positionTable != null) {
      typed(op, "positionTable (≥ T, C)", positionTable, compute, 2);
      positions(op, "positionTable (≥ T, C)", positionTable, tokens, "out (B, T, C)", out);
    }
    if (offset != null) {
      scalar(op, "offset (1)", offset, DType.I32);
    }
  }

  /** Checks {@link Ops#embeddingBackward}. */
  public void embeddingBackward(
      Tensor dTokenTable, Tensor dPositionTable, Tensor dOut, Tensor tokens) {
    String op = "embeddingBackward";
    typed(op, "dTokenTable (V, C)", dTokenTable, DType.F32, 2);
    embedding(op, "dOut (B, T, C)", dOut, tokens, "dTokenTable (V, C)", dTokenTable);
    if (dPositionTable != null) {
      typed(op, "dPositionTable (≥ T, C)", dPositionTable, DType.F32, 2);
      positions(op, "dPositionTable (≥ T, C)", dPositionTable, tokens, "dOut (B, T, C)", dOut);
    }
  }

  private void embedding(
      String op, String outName, Tensor out, Tensor tokens, String tableName, Tensor table) {
    typed(op, "tokens (B, T)", tokens, DType.I32, 2);
    typed(op, outName, out, compute);
    fit(op, rows(out) == tokens.elements(), outName, out, "tokens (B, T)", tokens);
    fit(op, width(table) == width(out), tableName, table, outName, out);
  }

  private static void positions(
      String op, String name, Tensor table, Tensor tokens, String outName, Tensor out) {
    fit(op, rows(table) >= width(tokens), name, table, "tokens (B, T)", tokens);
    fit(op, width(table) == width(out), name, table, outName, out);
  }

  /** Checks {@link Ops#layerNormForward}. */
  public void layerNormForward(
      Tensor out, Tensor mean, Tensor rstd, Tensor in, Tensor weight, Tensor bias) {
    String op = "layerNormForward";
    typed(op, "in (N, C)", in, compute);
    same(op, "out (N, C)", out, "in (N, C)", in);
    layerNorm(op, mean, rstd, weight, "in (N, C)", in);
    vectorOrNull(op, "bias (C)", bias, compute, width(in), "in (N, C)", in);
  }

  /** Checks {@link Ops#layerNormBackward}. */
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
    String op = "layerNormBackward";
    typed(op, "in (N, C)", in, compute);
    same(op, "dIn (N, C)", dIn, "in (N, C)", in);
    same(op, "dOut (N, C)", dOut, "in (N, C)", in);
    layerNorm(op, mean, rstd, weight, "in (N, C)", in);
    vector(op, "dWeight (C)", dWeight, DType.F32, width(in), "in (N, C)", in);
    vectorOrNull(op, "dBias (C)", dBias, DType.F32, width(in), "in (N, C)", in);
    vectorOrNull(op, "dBranchBias (C)", dBranchBias, DType.F32, width(in), "in (N, C)", in);
  }

  /** Checks {@link Ops#residualLayerNormForward}. */
  public void residualLayerNormForward(
      Tensor out,
      Tensor sum,
      Tensor mean,
      Tensor rstd,
      Tensor stream,
      Tensor branch,
      Tensor weight,
      Tensor bias) {
    String op = "residualLayerNormForward";
    typed(op, "stream (N, C)", stream, compute);
    same(op, "branch (N, C)", branch, "stream (N, C)", stream);
    same(op, "sum (N, C)", sum, "stream (N, C)", stream);
    same(op, "out (N, C)", out, "stream (N, C)", stream);
    layerNorm(op, mean, rstd, weight, "stream (N, C)", stream);
    vectorOrNull(op, "bias (C)", bias, compute, width(stream), "stream (N, C)", stream);
  }

  /** Checks {@link Ops#residualLayerNormBackward}. */
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
    String op = "residualLayerNormBackward";
    typed(op, "sum (N, C)", sum, compute);
    same(op, "dSum (N, C)", dSum, "sum (N, C)", sum);
    same(op, "dOut (N, C)", dOut, "sum (N, C)", sum);
    layerNorm(op, mean, rstd, weight, "sum (N, C)", sum);
    vector(op, "dWeight (C)", dWeight, DType.F32, width(sum), "sum (N, C)", sum);
    vectorOrNull(op, "dBias (C)", dBias, DType.F32, width(sum), "sum (N, C)", sum);
    vectorOrNull(op, "dBranchBias (C)", dBranchBias, DType.F32, width(sum), "sum (N, C)", sum);
  }

  private void layerNorm(
      String op, Tensor mean, Tensor rstd, Tensor weight, String inName, Tensor in) {
    vectorOrNull(op, "mean (N)", mean, DType.F32, rows(in), inName, in);
    vector(op, "rstd (N)", rstd, DType.F32, rows(in), inName, in);
    vector(op, "weight (C)", weight, compute, width(in), inName, in);
  }

  /** Checks {@link Ops#linearForward}. */
  public void linearForward(
      Tensor out,
      Tensor preActivation,
      Tensor in,
      Tensor weight,
      Tensor bias,
      Activation activation) {
    String op = "linearForward";
    linear(op, "out (N, OC)", out, in, weight);
    vectorOrNull(op, "bias (OC)", bias, compute, rows(weight), "weight (OC, IC)", weight);
    present(op, "activation", activation);
    if (preActivation != null) {
      same(op, "preActivation (N, OC)", preActivation, "out (N, OC)", out);
      require(
          op,
          activation != Activation.IDENTITY,
          "preActivation must be null where the activation is IDENTITY");
    }
  }

  /** Checks {@link Ops#linearBackward}. */
  public void linearBackward(
      Tensor dIn,
      Tensor dWeight,
      Tensor dBias,
      Tensor dOut,
      Tensor in,
      Tensor weight,
      Tensor inPreActivation,
      Activation inActivation) {
    String op = "linearBackward";
    linear(op, "dOut (N, OC)", dOut, in, weight);
    if (dIn != null) {
      same(op, "dIn (N, IC)", dIn, "in (N, IC)", in);
    }
    typed(op, "dWeight (OC, IC)", dWeight, DType.F32, 2);
    alike(op, "dWeight (OC, IC)", dWeight, "weight (OC, IC)", weight);
    vectorOrNull(op, "dBias (OC)", dBias, DType.F32, rows(weight), "weight (OC, IC)", weight);
    present(op, "inActivation", inActivation);
    if (inPreActivation != null) {
      same(op, "inPreActivation (N, IC)", inPreActivation, "in (N, IC)", in);
    }
    require(
        op,
        (inPreActivation == null) == (inActivation == Activation.IDENTITY),
        "inPreActivation must be null where inActivation is IDENTITY, and only there");
  }

  private void linear(String op, String outName, Tensor out, Tensor in, Tensor weight) {
    typed(op, "in (N, IC)", in, compute);
    typed(op, "weight (OC, IC)", weight, compute, 2);
    typed(op, outName, out, compute);
    fit(op, width(weight) == width(in), "weight (OC, IC)", weight, "in (N, IC)", in);
    fit(op, rows(out) == rows(in), outName, out, "in (N, IC)", in);
    fit(op, width(out) == rows(weight), outName, out, "weight (OC, IC)", weight);
  }

  /** Checks {@link Ops#activationForward}. */
  public void activationForward(Tensor out, Tensor in, Activation activation) {
    String op = "activationForward";
    typed(op, "in", in, compute);
    same(op, "out", out, "in", in);
    present(op, "activation", activation);
  }

  /** Checks {@link Ops#activationBackward}. */
  public void activationBackward(Tensor dIn, Tensor dOut, Tensor in, Activation activation) {
    String op = "activationBackward";
    typed(op, "in", in, compute);
    same(op, "dOut", dOut, "in", in);
    same(op, "dIn", dIn, "in", in);
    present(op, "activation", activation);
  }

  /** Checks {@link Ops#gatedForward}. */
  public void gatedForward(Tensor out, Tensor in, Activation activation) {
    gated("gatedForward", "out (N, H)", out, in, activation);
  }

  /** Checks {@link Ops#gatedBackward}. */
  public void gatedBackward(Tensor dIn, Tensor dOut, Tensor in, Activation activation) {
    String op = "gatedBackward";
    gated(op, "dOut (N, H)", dOut, in, activation);
    same(op, "dIn (N, 2H)", dIn, "in (N, 2H)", in);
  }

  private void gated(String op, String outName, Tensor out, Tensor in, Activation activation) {
    typed(op, "in (N, 2H)", in, compute);
    typed(op, outName, out, compute);
    boolean fits = rows(out) == rows(in) && 2L * width(out) == width(in);
    fit(op, fits, outName, out, "in (N, 2H)", in);
    present(op, "activation", activation);
  }

  /** Checks {@link Ops#headsForward}. */
  public void headsForward(Tensor qkv, Tensor in, Tensor offset, HeadsSpec spec) {
    String op = "headsForward";
    heads(op, "qkv (B, T, 3C)", qkv, in, spec);
    if (offset != null) {
      scalar(op, "offset (1)", offset, DType.I32);
    }
  }

  /** Checks {@link Ops#headsBackward}. */
  public void headsBackward(Tensor dIn, Tensor dQkv, Tensor in, HeadsSpec spec) {
    String op = "headsBackward";
    heads(op, "dQkv (B, T, 3C)", dQkv, in, spec);
    same(op, "dIn (B, T, (heads + 2 kvHeads) D)", dIn, "in (B, T, (heads + 2 kvHeads) D)", in);
  }

  private void heads(String op, String qkvName, Tensor qkv, Tensor in, HeadsSpec spec) {
    String inName = "in (B, T, (heads + 2 kvHeads) D)";
    present(op, "spec", spec);
    typed(op, qkvName, qkv, compute, 3);
    typed(op, inName, in, compute, 3);
    int size = width(qkv) / (3 * spec.heads());
    boolean fits =
        in.shape().dim(0) == qkv.shape().dim(0)
            && in.shape().dim(1) == qkv.shape().dim(1)
            && width(qkv) == 3 * spec.heads() * size
            && width(in) == spec.projected() * size;
    fit(op, fits, inName, in, qkvName, qkv);
    require(op, !spec.rotary() || size % 2 == 0, "rotary needs heads of even size");
  }

  /** Checks {@link Ops#attentionForward}. */
  public void attentionForward(Tensor out, Tensor logSumExp, Tensor qkv, AttentionSpec spec) {
    String op = "attentionForward";
    present(op, "spec", spec);
    attention(op, "out (B, T, C)", out, qkv, spec);
    perHead(op, "logSumExp (B, heads, T)", logSumExp, qkv, spec);
  }

  /** Checks {@link Ops#attentionBackward}. */
  public void attentionBackward(
      Tensor dQkv,
      Tensor delta,
      Tensor dOut,
      Tensor out,
      Tensor logSumExp,
      Tensor qkv,
      AttentionSpec spec) {
    String op = "attentionBackward";
    present(op, "spec", spec);
    attention(op, "out (B, T, C)", out, qkv, spec);
    same(op, "dOut (B, T, C)", dOut, "out (B, T, C)", out);
    same(op, "dQkv (B, T, 3C)", dQkv, "qkv (B, T, 3C)", qkv);
    perHead(op, "delta (B, heads, T)", delta, qkv, spec);
    perHead(op, "logSumExp (B, heads, T)", logSumExp, qkv, spec);
  }

  private void attention(String op, String outName, Tensor out, Tensor qkv, AttentionSpec spec) {
    typed(op, "qkv (B, T, 3C)", qkv, compute, 3);
    typed(op, outName, out, compute);
    boolean fits = rows(out) == rows(qkv) && 3L * width(out) == width(qkv);
    fit(op, fits, outName, out, "qkv (B, T, 3C)", qkv);
    heads(op, spec.heads(), outName, out);
    present(op, "dropout of spec", spec.dropout());
  }

  private static void perHead(
      String op, String name, Tensor tensor, Tensor qkv, AttentionSpec spec) {
    typed(op, name, tensor, DType.F32, 3);
    Shape shape = tensor.shape();
    boolean fits =
        shape.dim(0) == qkv.shape().dim(0)
            && shape.dim(1) == spec.heads()
            && shape.dim(2) == qkv.shape().dim(1);
    if (!fits) {
      throw new IllegalArgumentException(
          "%s: %s = %s does not fit qkv (B, T, 3C) = %s with %d heads"
              .formatted(op, name, tensor, qkv, spec.heads()));
    }
  }

  /** Checks {@link Ops#cacheKeysValues}. */
  public void cacheKeysValues(Tensor keys, Tensor values, Tensor qkv, int heads) {
    String op = "cacheKeysValues";
    typed(op, "qkv (B, T, 3C)", qkv, compute, 3);
    caches(op, keys, values, qkv.shape().dim(0), heads, "qkv (B, T, 3C)", qkv);
    boolean roomy = keys.shape().dim(1) >= qkv.shape().dim(1);
    fit(op, roomy, "keys (B, capacity ≥ T, kvHeads · D)", keys, "qkv (B, T, 3C)", qkv);
  }

  /** Checks {@link Ops#attentionDecode}. */
  public void attentionDecode(
      Tensor out, Tensor keys, Tensor values, Tensor qkv, Tensor position, int heads) {
    String op = "attentionDecode";
    typed(op, "qkv (B, 3C)", qkv, compute);
    typed(op, "out (B, C)", out, compute);
    boolean fits = rows(out) == rows(qkv) && 3L * width(out) == width(qkv);
    fit(op, fits, "out (B, C)", out, "qkv (B, 3C)", qkv);
    heads(op, heads, "out (B, C)", out);
    caches(op, keys, values, rows(qkv), heads, "qkv (B, 3C)", qkv);
    scalar(op, "position (1)", position, DType.I32);
  }

  private void caches(
      String op, Tensor keys, Tensor values, long batch, int heads, String qkvName, Tensor qkv) {
    String keysName = "keys (B, capacity, kvHeads · D)";
    typed(op, keysName, keys, compute, 3);
    typed(op, "values (B, capacity, kvHeads · D)", values, compute, 3);
    boolean whole = heads > 0 && width(qkv) % (3 * heads) == 0;
    int size = whole ? width(qkv) / (3 * heads) : 1;
    int kvHeads = width(keys) / size;
    boolean fits =
        whole
            && keys.shape().dim(0) == batch
            && kvHeads * size == width(keys)
            && kvHeads > 0
            && heads % kvHeads == 0;
    fit(op, fits, keysName, keys, qkvName, qkv);
    boolean equal = keys.shape().equals(values.shape());
    fit(op, equal, "values (B, capacity, kvHeads · D)", values, keysName, keys);
  }

  private static void heads(String op, int heads, String outName, Tensor out) {
    if (heads < 1 || width(out) % heads != 0) {
      throw new IllegalArgumentException(
          "%s: %d heads do not divide the width of %s = %s".formatted(op, heads, outName, out));
    }
  }

  /** Checks {@link Ops#dropoutForward}. */
  public void dropoutForward(Tensor out, Tensor in, DropoutSpec dropout) {
    String op = "dropoutForward";
    typed(op, "in", in, compute);
    same(op, "out", out, "in", in);
    present(op, "dropout", dropout);
  }

  /** Checks {@link Ops#dropoutBackward}. */
  public void dropoutBackward(Tensor dIn, Tensor dOut, DropoutSpec dropout) {
    String op = "dropoutBackward";
    typed(op, "dOut", dOut, compute);
    same(op, "dIn", dIn, "dOut", dOut);
    present(op, "dropout", dropout);
  }

  /** Checks {@link Ops#softcapForward}. */
  public void softcapForward(Tensor out, Tensor in, float cap) {
    String op = "softcapForward";
    typed(op, "in", in, compute);
    same(op, "out", out, "in", in);
    require(op, cap > 0 && Float.isFinite(cap), "cap must be above 0");
  }

  /** Checks {@link Ops#softcapBackward}. */
  public void softcapBackward(Tensor dIn, Tensor dOut, Tensor in, float cap) {
    String op = "softcapBackward";
    typed(op, "in", in, compute);
    same(op, "dOut", dOut, "in", in);
    same(op, "dIn", dIn, "in", in);
    require(op, cap > 0 && Float.isFinite(cap), "cap must be above 0");
  }

  /** Checks {@link Ops#crossEntropyForward}. */
  public void crossEntropyForward(
      Tensor losses, Tensor meanLoss, Tensor logits, Tensor targets, int vocab, float scale) {
    crossEntropy("crossEntropyForward", losses, meanLoss, logits, targets, vocab, scale);
  }

  /** Checks {@link Ops#crossEntropyForwardBackward}. */
  public void crossEntropyForwardBackward(
      Tensor losses, Tensor meanLoss, Tensor logits, Tensor targets, int vocab, float scale) {
    crossEntropy("crossEntropyForwardBackward", losses, meanLoss, logits, targets, vocab, scale);
  }

  private void crossEntropy(
      String op,
      Tensor losses,
      Tensor meanLoss,
      Tensor logits,
      Tensor targets,
      int vocab,
      float scale) {
    typed(op, "logits (N, ≥ vocab)", logits, compute);
    vocab(op, vocab, logits);
    vector(op, "losses (N)", losses, DType.F32, rows(logits), "logits (N, ≥ vocab)", logits);
    scalar(op, "meanLoss (1)", meanLoss, DType.F32);
    typed(op, "targets (N)", targets, DType.I32);
    boolean fits = targets.elements() == rows(logits);
    fit(op, fits, "targets (N)", targets, "logits (N, ≥ vocab)", logits);
    require(op, Float.isFinite(scale), "scale must be finite");
  }

  private static void vocab(String op, int vocab, Tensor logits) {
    if (vocab < 1 || vocab > width(logits)) {
      throw new IllegalArgumentException(
          "%s: vocab %d does not fit logits (N, ≥ vocab) = %s".formatted(op, vocab, logits));
    }
  }

  /** Checks {@link Ops#add}. */
  public void add(Tensor out, Tensor a, Tensor b) {
    typed("add", "a", a, compute);
    same("add", "b", b, "a", a);
    same("add", "out", out, "a", a);
  }

  /** Checks {@link Ops#fill}. */
  public void fill(Tensor out, float value) {
    present("fill", "out", out);
    typed("fill", "out", out, out.dtype() == compute ? compute : DType.F32);
  }

  /** Checks {@link Ops#convert}. */
  public void convert(Tensor out, Tensor in) {
    present("convert", "out", out);
    boolean rounds = out.dtype() == DType.BF16;
    typed("convert", "out", out, rounds ? DType.BF16 : DType.F32);
    typed("convert", "in", in, rounds ? DType.F32 : DType.BF16);
    fit("convert", out.elements() == in.elements(), "out", out, "in", in);
  }

  /** Checks {@link Ops#norm}. */
  public void norm(Tensor norm, Tensor in) {
    typed("norm", "in", in, DType.F32);
    scalar("norm", "norm (1)", norm, DType.F32);
  }

  /** Checks {@link Ops#adamW}. */
  public void adamW(
      Tensor weights,
      Tensor values,
      Tensor gradients,
      Tensor firstMoment,
      Tensor secondMoment,
      Tensor gradientNorm,
      long decayed,
      AdamWStep step) {
    String op = "adamW";
    typed(op, "values", values, DType.F32);
    copiedWeights(op, weights, values);
    vector(op, "gradients", gradients, DType.F32, values.elements(), "values", values);
    vector(op, "firstMoment", firstMoment, DType.F32, values.elements(), "values", values);
    vector(op, "secondMoment", secondMoment, DType.F32, values.elements(), "values", values);
    present(op, "step", step);
    require(op, step.step() >= 1, "step must be at least 1");
    clipping(op, gradientNorm, step.maxNorm());
    if (decayed < 0 || decayed > values.elements()) {
      throw new IllegalArgumentException(
          "%s: decayed %d does not fit values = %s".formatted(op, decayed, values));
    }
  }

  private void copiedWeights(String op, Tensor weights, Tensor values) {
    if (compute == DType.F32) {
      require(op, weights == null, "weights must be null where the backend's dtype is F32");
    } else {
      vector(op, "weights", weights, compute, values.elements(), "values", values);
    }
  }

  private static void clipping(String op, Tensor gradientNorm, float maxNorm) {
    require(op, maxNorm >= 0, "maxNorm must be 0 (off) or more");
    require(
        op,
        gradientNorm != null || maxNorm == 0,
        "gradientNorm may be null only where maxNorm is 0");
    if (gradientNorm != null) {
      scalar(op, "gradientNorm (1)", gradientNorm, DType.F32);
    }
  }

  /** Checks {@link Ops#muonMomentum}. */
  public void muonMomentum(
      Tensor direction,
      Tensor momentum,
      Tensor gradients,
      Tensor gradientNorm,
      float mu,
      float maxNorm) {
    String op = "muonMomentum";
    typed(op, "gradients", gradients, DType.F32);
    same(op, "momentum", momentum, "gradients", gradients);
    typed(op, "direction", direction, compute);
    alike(op, "direction", direction, "gradients", gradients);
    clipping(op, gradientNorm, maxNorm);
  }

  /** Checks {@link Ops#orthogonalise}. */
  public void orthogonalise(Tensor matrices) {
    typed("orthogonalise", "matrices (L, R, C)", matrices, compute, 3);
  }

  /** Checks {@link Ops#muonUpdate}. */
  public void muonUpdate(Tensor weights, Tensor values, Tensor direction, MuonStep step) {
    String op = "muonUpdate";
    present(op, "step", step);
    typed(op, "values (R, C)", values, DType.F32, 2);
    typed(op, "direction (R, C)", direction, compute, 2);
    alike(op, "direction (R, C)", direction, "values (R, C)", values);
    copiedWeights(op, weights, values);
  }

  /** Checks {@link Ops#sample}. */
  public void sample(Tensor tokens, Tensor logits, int vocab, SamplingSpec spec, RandomKey key) {
    String op = "sample";
    typed(op, "logits (N, ≥ vocab)", logits, compute);
    vocab(op, vocab, logits);
    typed(op, "tokens (N)", tokens, DType.I32);
    boolean fits = tokens.elements() == rows(logits);
    fit(op, fits, "tokens (N)", tokens, "logits (N, ≥ vocab)", logits);
    present(op, "spec", spec);
    present(op, "key", key);
  }
}
