package dev.culebra.backend;

import dev.culebra.tensor.Tensor;

/**
 * The operations of a GPT training step, each forward beside backward, cut where a GPU kernel fuses
 * them.
 *
 * <p>Conventions, the same everywhere:
 *
 * <ul>
 *   <li>Outputs are allocated by the caller and come first.
 *   <li><b>Gradients of parameters accumulate (+=), gradients of activations are written (=), the
 *       residual stream adds.</b>
 *   <li>An activation is (…, C): leading dimensions are folded to N rows. B batch, T time, C width,
 *       V vocabulary.
 *   <li>An activation gradient may be the same tensor as the gradient it is computed from where a
 *       method says "in place".
 *   <li><b>Activations, their gradients, logits, caches of keys and values, and the weights that
 *       operations read have the backend's {@link Backend#dtype() dtype}. Gradients of parameters,
 *       values and moments of the optimizer, row statistics (mean, rstd, logSumExp, delta), losses
 *       and norms are F32</b>, which all floats are where that dtype is F32. Tokens, targets,
 *       positions and random state are I32.
 *   <li>In BF16 arithmetic is F32; a result is rounded to nearest even when it is stored. A sum
 *       that is kept is what later arithmetic of the same operation sees; a linear layer may see
 *       its pre-activation before it is rounded, and attention may round probabilities and their
 *       gradients for the matrix units.
 *   <li>{@code bias} and other tensors marked "or null" may be absent.
 *   <li>A shape that does not fit throws {@link IllegalArgumentException} before anything is
 *       written.
 *   <li>Results do not depend on the number of threads, to the bit.
 * </ul>
 *
 * <p>One thread at a time.
 */
public interface Ops {

  /**
   * out[b, t] = tokenTable[tokens[b, t]] + positionTable[offset + t].
   *
   * @param out (B, T, C)
   * @param tokens I32 (B, T), each in [0, V)
   * @param tokenTable (V, C)
   * @param positionTable (≥ offset + T, C), or null for none
   * @param offset I32 (1), the position of the first column, or null for 0
   */
  void embeddingForward(
      Tensor out, Tensor tokens, Tensor tokenTable, Tensor positionTable, Tensor offset);

  /**
   * Adds to the tables' gradients what {@link #embeddingForward} with offset 0 passes on.
   *
   * @param dTokenTable (V, C), +=
   * @param dPositionTable (≥ T, C), +=, or null
   * @param dOut (B, T, C)
   * @param tokens I32 (B, T)
   */
  void embeddingBackward(Tensor dTokenTable, Tensor dPositionTable, Tensor dOut, Tensor tokens);

  /**
   * out = (in − mean) · rstd · weight + bias for each row: Ba, Kiros, Hinton, "Layer normalization"
   * (2016), ε = 1e-5, biased variance. Without {@code mean} rows are not centred, out = in · rstd ·
   * weight + bias with rstd = 1 / √(mean of in² + ε): Zhang and Sennrich, "Root mean square layer
   * normalization" (2019). So it is in all four operations.
   *
   * @param out (N, C); may be {@code in}
   * @param mean (N), saved for backward, or null
   * @param rstd (N), 1 / √(variance + ε), saved for backward
   * @param in (N, C)
   * @param weight (C)
   * @param bias (C) or null
   */
  void layerNormForward(
      Tensor out, Tensor mean, Tensor rstd, Tensor in, Tensor weight, Tensor bias);

  /**
   * Backward of {@link #layerNormForward}.
   *
   * @param dIn (N, C), =; may be {@code dOut}
   * @param dWeight (C), +=
   * @param dBias (C), +=, or null
   * @param dBranchBias (C), += column sums of dIn, or null; see {@link #residualLayerNormBackward}
   */
  void layerNormBackward(
      Tensor dIn,
      Tensor dWeight,
      Tensor dBias,
      Tensor dBranchBias,
      Tensor dOut,
      Tensor in,
      Tensor mean,
      Tensor rstd,
      Tensor weight);

  /**
   * sum = stream + branch, then layernorm of the sum.
   *
   * @param out (N, C), layernorm(sum)
   * @param sum (N, C), kept for backward; may be {@code stream}
   * @param stream (N, C), the residual stream so far
   * @param branch (N, C), what a block adds to it
   */
  void residualLayerNormForward(
      Tensor out,
      Tensor sum,
      Tensor mean,
      Tensor rstd,
      Tensor stream,
      Tensor branch,
      Tensor weight,
      Tensor bias);

  /**
   * Backward of {@link #residualLayerNormForward}: the gradient of the sum, which is that of the
   * stream and of the branch. Where the branch is the output of a linear layer, its column sums are
   * the gradient of that layer's bias, and here they cost less than in {@link #linearBackward}. On
   * a CPU they have the bits that it gives.
   *
   * @param dSum (N, C), += on what later layers have already put there
   * @param dBranchBias (C), += column sums of dSum, as it is in the end, or null
   * @param sum the saved sum
   */
  void residualLayerNormBackward(
      Tensor dSum,
      Tensor dWeight,
      Tensor dBias,
      Tensor dBranchBias,
      Tensor dOut,
      Tensor sum,
      Tensor mean,
      Tensor rstd,
      Tensor weight);

  /**
   * preActivation = in · weightᵀ + bias; out = activation(preActivation).
   *
   * <p>In BF16 {@code out} may be the activation of what was rounded to {@code preActivation}, or
   * of that before it was rounded; and the product may be rounded before the bias is added, or not.
   *
   * @param out (N, OC)
   * @param preActivation (N, OC), saved for backward; null with {@link Activation#IDENTITY}, or
   *     where backward never runs
   * @param in (N, IC)
   * @param weight (OC, IC)
   * @param bias (OC) or null
   */
  void linearForward(
      Tensor out,
      Tensor preActivation,
      Tensor in,
      Tensor weight,
      Tensor bias,
      Activation activation);

  /**
   * Backward of the linear part: dIn = dOut · weight; dWeight += dOutᵀ · in; dBias += column sums
   * of dOut. For an activation of its own, {@link #activationBackward} comes first.
   *
   * <p>Where {@code in} is itself an activation's output, its backward can be had in one:
   *
   * <pre>dIn = (dOut · weight) ⊙ inActivation′(inPreActivation)</pre>
   *
   * <p>In BF16 the product may be rounded before it is multiplied, or not.
   *
   * @param dIn (N, IC), =, or null where nobody needs it
   * @param dWeight (OC, IC), +=
   * @param dBias (OC), +=, or null
   * @param dOut (N, OC)
   * @param in (N, IC)
   * @param weight (OC, IC)
   * @param inPreActivation (N, IC), what {@code inActivation} was applied to; null for the gradient
   *     of {@code in} itself
   * @param inActivation {@link Activation#IDENTITY} where {@code inPreActivation} is null, and only
   *     there
   */
  void linearBackward(
      Tensor dIn,
      Tensor dWeight,
      Tensor dBias,
      Tensor dOut,
      Tensor in,
      Tensor weight,
      Tensor inPreActivation,
      Activation inActivation);

  /** out = activation(in), elementwise; may be in place. */
  void activationForward(Tensor out, Tensor in, Activation activation);

  /** dIn = dOut · activation′(in), elementwise; dIn may be dOut. */
  void activationBackward(Tensor dIn, Tensor dOut, Tensor in, Activation activation);

  /**
   * The product of an activated half of the columns and the other: out = activation(in[0 … H)) ·
   * in[H … 2H), elementwise. With {@link Activation#SILU} SwiGLU: Shazeer, "GLU variants improve
   * Transformer" (2020).
   *
   * @param out (N, H)
   * @param in (N, 2H)
   */
  void gatedForward(Tensor out, Tensor in, Activation activation);

  /**
   * Backward of {@link #gatedForward}.
   *
   * @param dIn (N, 2H), =
   * @param dOut (N, H)
   * @param in (N, 2H)
   */
  void gatedBackward(Tensor dIn, Tensor dOut, Tensor in, Activation activation);

  /**
   * From what a projection gives to what attention reads. A row of {@code in} is {@code heads}
   * queries, {@code kvHeads} keys, {@code kvHeads} values of D columns each, D = C / heads. Queries
   * and keys are divided by their root mean square and turned, where {@code spec} says so; then key
   * and value g go to the places of heads g · G … (g + 1) · G − 1, G = heads / kvHeads.
   *
   * <p>Division: x / √(mean of x² + 1e-5). Turning by the position p of the row: columns i and i +
   * D/2, for i below D/2, are turned as (x, y) → (x cos φ − y sin φ, y cos φ + x sin φ) with φ = p
   * · 10000^(−2i/D).
   *
   * @param qkv (B, T, 3C)
   * @param in (B, T, (heads + 2 · kvHeads) · D)
   * @param offset I32 (1), the position of the first column, or null for 0
   */
  void headsForward(Tensor qkv, Tensor in, Tensor offset, HeadsSpec spec);

  /**
   * Backward of {@link #headsForward} with offset 0.
   *
   * @param dIn (B, T, (heads + 2 · kvHeads) · D), =
   * @param dQkv (B, T, 3C)
   * @param in of the forward pass
   */
  void headsBackward(Tensor dIn, Tensor dQkv, Tensor in, HeadsSpec spec);

  /**
   * softmax(Q Kᵀ / √D) V for each head, with online softmax: the T × T matrix is never stored (Dao
   * et al., "FlashAttention", 2022). Head h of Q, K, V of row (b, t) are at columns h·D, C + h·D,
   * 2C + h·D of {@code qkv}, D = C / heads.
   *
   * @param out (B, T, C)
   * @param logSumExp (B, heads, T), of the scaled scores, saved for backward
   * @param qkv (B, T, 3C)
   */
  void attentionForward(Tensor out, Tensor logSumExp, Tensor qkv, AttentionSpec spec);

  /**
   * Backward of {@link #attentionForward}; probabilities are computed again.
   *
   * @param dQkv (B, T, 3C), =
   * @param delta (B, heads, T), scratch: Σ dOut · out of each row and head
   * @param dOut (B, T, C)
   * @param out (B, T, C), of the forward pass
   */
  void attentionBackward(
      Tensor dQkv,
      Tensor delta,
      Tensor dOut,
      Tensor out,
      Tensor logSumExp,
      Tensor qkv,
      AttentionSpec spec);

  /**
   * Puts the K and V columns of {@code qkv} into the caches at positions 0 … T − 1. Caches of fewer
   * heads, whose number divides {@code heads}, keep of each group of equal heads the first.
   *
   * @param keys (B, capacity, kvHeads · D), capacity ≥ T
   * @param values as {@code keys}
   * @param qkv (B, T, 3C)
   * @param heads of {@code qkv}, D = C / heads
   */
  void cacheKeysValues(Tensor keys, Tensor values, Tensor qkv, int heads);

  /**
   * One token of causal attention: stores its K and V at {@code position} in the caches and attends
   * to positions 0 … {@code position}.
   *
   * @param out (B, C)
   * @param keys (B, capacity, kvHeads · D), as {@link #cacheKeysValues} fills them
   * @param values as {@code keys}
   * @param qkv (B, 3C), of the new token
   * @param position I32 (1), below the capacity
   * @param heads of {@code qkv}, D = C / heads
   */
  void attentionDecode(
      Tensor out, Tensor keys, Tensor values, Tensor qkv, Tensor position, int heads);

  /** out = dropout(in), elementwise; may be in place. */
  void dropoutForward(Tensor out, Tensor in, DropoutSpec dropout);

  /** dIn = dOut with the mask of the forward pass; may be in place. */
  void dropoutBackward(Tensor dIn, Tensor dOut, DropoutSpec dropout);

  /**
   * out = cap · tanh(in / cap), elementwise; may be in place. Gemma Team, "Gemma 2" (2024).
   *
   * @param cap above 0
   */
  void softcapForward(Tensor out, Tensor in, float cap);

  /** dIn = dOut · (1 − tanh²(in / cap)), elementwise; dIn may be dOut. */
  void softcapBackward(Tensor dIn, Tensor dOut, Tensor in, float cap);

  /**
   * Mean cross-entropy of softmax(logits[0 … vocab)) against the targets that are not {@link
   * #IGNORE}; columns from {@code vocab} on are padding.
   *
   * @param losses (N), = loss of each row, 0 where ignored
   * @param meanLoss (1), += scale · mean over the rows that count; += 0 when all are ignored
   * @param logits (N, ≥ vocab)
   * @param targets I32 (N), in [0, vocab) or {@link #IGNORE}
   * @param scale 1 / number of batches whose mean {@code meanLoss} collects
   */
  void crossEntropyForward(
      Tensor losses, Tensor meanLoss, Tensor logits, Tensor targets, int vocab, float scale);

  /**
   * {@link #crossEntropyForward}, and replaces the logits by the gradient of scale · mean loss;
   * that of padding and of ignored rows is 0. Probabilities are never stored.
   */
  void crossEntropyForwardBackward(
      Tensor losses, Tensor meanLoss, Tensor logits, Tensor targets, int vocab, float scale);

  /** The target that a loss passes over. */
  int IGNORE = -1;

  /** out = a + b, elementwise; may be in place. */
  void add(Tensor out, Tensor a, Tensor b);

  /** Sets all elements of a tensor, which may be F32 whatever the backend's dtype. */
  void fill(Tensor out, float value);

  /**
   * out = in, between F32 and BF16: one tensor is the one, the other the other. To BF16 rounds to
   * nearest, ties to even.
   *
   * @param out as many elements as {@code in}
   */
  void convert(Tensor out, Tensor in);

  /** norm (1) = √ Σ in² of an F32 tensor, in fixed-size blocks summed in order. */
  void norm(Tensor norm, Tensor in);

  /**
   * One AdamW step over flat buffers of equal size. The first {@code decayed} elements decay, the
   * rest do not.
   *
   * <p>Stochastic rounding: weight e is the upper half of the bits of value e plus 16 random bits,
   * so that the expected weight is the value. They are the lower half of word e % 4 of Philox with
   * counter (e / 4, 0x41444D57, step, e / 4 · 2⁻³²) and key (seed low, seed high) of {@code step}.
   *
   * @param weights BF16 copy of the values that operations read, written with stochastic rounding;
   *     null where the backend's dtype is F32
   * @param values parameters, updated
   * @param gradients only read
   * @param firstMoment updated
   * @param secondMoment updated
   * @param gradientNorm (1), from {@link #norm}; null where {@code maxNorm} is 0
   */
  void adamW(
      Tensor weights,
      Tensor values,
      Tensor gradients,
      Tensor firstMoment,
      Tensor secondMoment,
      Tensor gradientNorm,
      long decayed,
      AdamWStep step);

  /**
   * Nesterov momentum of Muon (Jordan et al., 2024), g being the clipped gradient:
   *
   * <pre>
   *   momentum = μ · momentum + (1 − μ) · g;  direction = μ · momentum + (1 − μ) · g
   * </pre>
   *
   * @param direction of the backend's dtype, =
   * @param momentum F32, updated
   * @param gradients F32, only read
   * @param gradientNorm (1), from {@link #norm}; null where {@code maxNorm} is 0
   * @param mu μ
   * @param maxNorm gradients are scaled by min(1, maxNorm / norm); 0 turns clipping off
   */
  void muonMomentum(
      Tensor direction,
      Tensor momentum,
      Tensor gradients,
      Tensor gradientNorm,
      float mu,
      float maxNorm);

  /**
   * Makes matrices nearly orthogonal: of each one's singular value decomposition U S Vᵀ about U Vᵀ
   * stays. Five Newton–Schulz steps from X = matrix / (‖matrix‖ + 1e-7), on the side of the smaller
   * dimension n:
   *
   * <pre>
   *   A = X Xᵀ;  P = 3.4445 I − 4.775 A + 2.0315 A²;  X = P X
   * </pre>
   *
   * which bring singular values above about 0.01 to between 0.7 and 1.2 (Jordan et al., 2024). In
   * BF16 each X, A, A² and P may be rounded when it is stored, as in Jordan's own program: that
   * leaves X within about 2 % of what it is otherwise, and the singular values where they were. A
   * device may take scratch memory for L · (R · C + 2 n²) elements.
   *
   * @param matrices (L, R, C), in place
   */
  void orthogonalise(Tensor matrices);

  /**
   * The step of Muon: value = value · (1 − rate · decay) − rate · 0.2 · √max(R, C) · direction.
   * With that factor a step is as large as one of AdamW (Liu et al., "Muon is scalable for LLM
   * training", 2025, section 2.2).
   *
   * @param weights BF16 (R, C), written with stochastic rounding as {@link #adamW} does; null where
   *     the backend's dtype is F32
   * @param values F32 (R, C), updated
   * @param direction (R, C), from {@link #orthogonalise}
   */
  void muonUpdate(Tensor weights, Tensor values, Tensor direction, MuonStep step);

  /**
   * Draws one token a row. The order is: temperature, top-k, top-p (on the probabilities that top-k
   * left), one uniform draw u; among equal logits the lower index counts as the more likely. The
   * token drawn is the first eligible one, in order of index, at which the running sum of
   * probabilities exceeds u. Row n uses element n of the key.
   *
   * @param tokens I32 (N), =
   * @param logits (N, ≥ vocab)
   */
  void sample(Tensor tokens, Tensor logits, int vocab, SamplingSpec spec, RandomKey key);
}
