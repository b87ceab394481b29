package dev.culebra.backend;

/**
 * The operations of a GPT training step, each forward beside backward, cut where a GPU kernel fuses
 * them: {@code ops.linear().forward(…)}. Contracts and checks are in the operations themselves, see
 * {@link Op}.
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
 *
 * @param context what they share
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
  /** The same with other matrix products. */
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

  /** Tells {@code listener} of every call from now on; null for none. */
  public void listen(OpListener listener) {
    context.listen(listener);
  }
}
