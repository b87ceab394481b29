package dev.culebra.backend;

/**
 * The operations of a GPT training step, forward and backward, each as large as a fused GPU kernel:
 * {@code ops.linear().forward(…)}. Contracts and checks are in the operations themselves, see
 * {@link Op}.
 *
 * <p>Conventions:
 *
 * <ul>
 *   <li>Outputs are allocated by the caller and come first.
 *   <li><b>Gradients of parameters accumulate (+=), gradients of activations are written (=), the
 *       residual stream adds.</b>
 *   <li>An activation is (…, C): leading dimensions are folded into N rows. B batch, T time, C
 *       width, V vocabulary.
 *   <li>If a method says "in place", an activation gradient may be the same tensor as the gradient
 *       it is computed from.
 *   <li><b>Activations, their gradients, logits, caches of keys and values, and the weights that
 *       operations read have the backend's {@link Backend#dtype() dtype}. Gradients of parameters,
 *       values and moments of the optimizer, row statistics (mean, rstd, logSumExp, delta), losses
 *       and norms are F32</b>, as is everything on an F32 backend. Tokens, targets, positions and
 *       random state are I32.
 *   <li>With BF16, arithmetic is in F32 and a result is rounded to nearest even when it is stored.
 *       Later arithmetic of the same operation sees the rounded sum. A linear layer may use its
 *       pre-activation before rounding, and attention may round probabilities and their gradients
 *       for the matrix units.
 *   <li>{@code bias} and other tensors marked "or null" may be absent.
 *   <li>A shape that does not fit throws {@link IllegalArgumentException} before anything is
 *       written.
 *   <li>Results do not depend on the number of threads, to the bit.
 * </ul>
 *
 * <p>One thread at a time.
 *
 * @param context shared by the operations
 */
public record Ops(
    OpContext context,
    EmbeddingOp embedding,
    LayerNormOp layerNorm,
    LinearOp linear,
    ActivationOp activation,
    GatedOp gated,
    HeadsOp heads,
    AttentionOp attention,
    AttentionDecodeOp attentionDecode,
    CrossAttentionOp crossAttention,
    DropoutOp dropout,
    SoftcapOp softcap,
    CrossEntropyOp crossEntropy,
    ElementwiseOp elementwise,
    NormOp norm,
    AdamWOp adamW,
    MuonOp muon,
    SamplingOp sampling) {
  /** A copy with another linear layer. */
  public Ops withLinear(LinearOp linear) {
    return new Ops(
        context,
        embedding,
        layerNorm,
        linear,
        activation,
        gated,
        heads,
        attention,
        attentionDecode,
        crossAttention,
        dropout,
        softcap,
        crossEntropy,
        elementwise,
        norm,
        adamW,
        muon,
        sampling);
  }

  /** Reports every call to {@code listener} from now on; null for none. */
  public void listen(OpListener listener) {
    context.listen(listener);
  }
}
