package dev.culebra.backend;

import dev.culebra.tensor.DType;
import dev.culebra.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.function.Consumer;

/**
 * The operations of {@link Bf16EmulationBackend}: each runs on the CPU on F32 copies of its BF16
 * tensors, and the results are rounded to nearest.
 */
final class Bf16EmulationOps {
  private final OpContext context = new OpContext(DType.BF16);
  private final Backend cpu;
  private final Ops ops;

  private Bf16EmulationOps(Backend cpu) {
    this.cpu = cpu;
    this.ops = cpu.ops();
  }

  static Ops of(Backend cpu) {
    Bf16EmulationOps emulated = new Bf16EmulationOps(cpu);
    return new Ops(
        emulated.context,
        emulated.new Embedding(),
        emulated.new LayerNorm(),
        emulated.new Linear(),
        emulated.new ActivationFunction(),
        emulated.new Gated(),
        emulated.new Heads(),
        emulated.new Attention(),
        emulated.new AttentionDecode(),
        emulated.new CrossAttention(),
        emulated.new Dropout(),
        emulated.new Softcap(),
        emulated.new CrossEntropy(),
        emulated.new Elementwise(),
        emulated.new Norm(),
        emulated.new AdamW(),
        emulated.new Muon(),
        emulated.new Sampling());
  }

  private void onCopies(Consumer<WidenedCopies> call) {
    try (WidenedCopies copies = new WidenedCopies(cpu)) {
      call.accept(copies);
      copies.writeBack();
    }
  }

  /** The values are those after the step, the weights are rounded from them. */
  private void roundByChance(Tensor weights, Tensor values, int step, long seed) {
    float[] updated = cpu.readFloatsBlocking(values);
    double[] rounded = ReferenceRandom.roundedByChance(Numbers.widened(updated), step, seed);
    byte[] bytes = Elements.bytes(DType.BF16, Numbers.rounded(rounded));
    cpu.upload(weights, MemorySegment.ofArray(bytes));
  }

  private final class Embedding extends EmbeddingOp {
    Embedding() {
      super(context);
    }

    @Override
    protected void runForward(
        Tensor out, Tensor tokens, Tensor tokenTable, Tensor positionTable, Tensor offset) {
      onCopies(
          c ->
              ops.embedding()
                  .forward(c.of(out), tokens, c.of(tokenTable), c.of(positionTable), c.of(offset)));
    }

    @Override
    protected void runBackward(
        Tensor dTokenTable, Tensor dPositionTable, Tensor dOut, Tensor tokens) {
      onCopies(c -> ops.embedding().backward(dTokenTable, dPositionTable, c.of(dOut), tokens));
    }
  }

  private final class LayerNorm extends LayerNormOp {
    LayerNorm() {
      super(context);
    }

    @Override
    protected void runForward(
        Tensor out,
        Tensor mean,
        Tensor rstd,
        Tensor in,
        Tensor weight,
        Tensor bias,
        float epsilon) {
      onCopies(
          c ->
              ops.layerNorm()
                  .forward(c.of(out), mean, rstd, c.of(in), c.of(weight), c.of(bias), epsilon));
    }

    /** Normalises the sum as it is kept, rounded. */
    @Override
    protected void runResidualForward(
        Tensor out,
        Tensor sum,
        Tensor mean,
        Tensor rstd,
        Tensor stream,
        Tensor branch,
        Tensor weight,
        Tensor bias,
        float epsilon) {
      onCopies(c -> ops.elementwise().add(c.of(sum), c.of(stream), c.of(branch)));
      runForward(out, mean, rstd, sum, weight, bias, epsilon);
    }

    /** The rows added to {@code dBranchBias} are those of dIn, rounded. */
    @Override
    protected void runBackward(
        Tensor dIn,
        boolean adds,
        Tensor dWeight,
        Tensor dBias,
        Tensor dBranchBias,
        Tensor dOut,
        Tensor in,
        Tensor mean,
        Tensor rstd,
        Tensor weight) {
      onCopies(
          c -> {
            Tensor dx = c.of(dIn);
            Tensor dy = c.of(dOut);
            Tensor x = c.of(in);
            Tensor w = c.of(weight);
            if (adds) {
              ops.layerNorm().residualBackward(dx, dWeight, dBias, null, dy, x, mean, rstd, w);
            } else {
              ops.layerNorm().backward(dx, dWeight, dBias, null, dy, x, mean, rstd, w);
            }
          });
      if (dBranchBias != null) {
        float[] gradient = cpu.readFloatsBlocking(dIn);
        float[] total = cpu.readFloatsBlocking(dBranchBias);
        for (int i = 0; i < gradient.length; i++) {
          total[i % total.length] += gradient[i];
        }
        cpu.upload(dBranchBias, MemorySegment.ofArray(total));
      }
    }
  }

  private final class Linear extends LinearOp {
    Linear() {
      super(context);
    }

    @Override
    protected void runForward(
        Tensor out,
        Tensor preActivation,
        Tensor in,
        Tensor weight,
        Tensor bias,
        Activation activation) {
      onCopies(
          c ->
              ops.linear()
                  .forward(
                      c.of(out),
                      c.of(preActivation),
                      c.of(in),
                      c.of(weight),
                      c.of(bias),
                      activation));
    }

    @Override
    protected void runBackward(
        Tensor dIn,
        Tensor dWeight,
        Tensor dBias,
        Tensor dOut,
        Tensor in,
        Tensor weight,
        Tensor inPreActivation,
        Activation inActivation) {
      onCopies(
          c ->
              ops.linear()
                  .backward(
                      c.of(dIn),
                      dWeight,
                      dBias,
                      c.of(dOut),
                      c.of(in),
                      c.of(weight),
                      c.of(inPreActivation),
                      inActivation));
    }
  }

  private final class ActivationFunction extends ActivationOp {
    ActivationFunction() {
      super(context);
    }

    @Override
    protected void runForward(Tensor out, Tensor in, Activation activation) {
      onCopies(c -> ops.activation().forward(c.of(out), c.of(in), activation));
    }

    @Override
    protected void runBackward(Tensor dIn, Tensor dOut, Tensor in, Activation activation) {
      onCopies(c -> ops.activation().backward(c.of(dIn), c.of(dOut), c.of(in), activation));
    }
  }

  private final class Gated extends GatedOp {
    Gated() {
      super(context);
    }

    @Override
    protected void runForward(Tensor out, Tensor in, Activation activation) {
      onCopies(c -> ops.gated().forward(c.of(out), c.of(in), activation));
    }

    @Override
    protected void runBackward(Tensor dIn, Tensor dOut, Tensor in, Activation activation) {
      onCopies(c -> ops.gated().backward(c.of(dIn), c.of(dOut), c.of(in), activation));
    }
  }

  private final class Heads extends HeadsOp {
    Heads() {
      super(context);
    }

    @Override
    protected void runForward(
        Tensor qkv, Tensor in, Tensor queryScale, Tensor keyScale, Tensor offset, HeadsSpec spec) {
      onCopies(
          c ->
              ops.heads()
                  .forward(c.of(qkv), c.of(in), c.of(queryScale), c.of(keyScale), offset, spec));
    }

    @Override
    protected void runBackward(
        Tensor dIn,
        Tensor dQueryScale,
        Tensor dKeyScale,
        Tensor dQkv,
        Tensor in,
        Tensor queryScale,
        Tensor keyScale,
        HeadsSpec spec) {
      onCopies(
          c ->
              ops.heads()
                  .backward(
                      c.of(dIn),
                      dQueryScale,
                      dKeyScale,
                      c.of(dQkv),
                      c.of(in),
                      c.of(queryScale),
                      c.of(keyScale),
                      spec));
    }
  }

  private final class Attention extends AttentionOp {
    Attention() {
      super(context);
    }

    @Override
    protected void runForward(Tensor out, Tensor logSumExp, Tensor qkv, AttentionSpec spec) {
      onCopies(c -> ops.attention().forward(c.of(out), logSumExp, c.of(qkv), spec));
    }

    @Override
    protected void runBackward(
        Tensor dQkv,
        Tensor delta,
        Tensor dOut,
        Tensor out,
        Tensor logSumExp,
        Tensor qkv,
        AttentionSpec spec) {
      onCopies(
          c ->
              ops.attention()
                  .backward(c.of(dQkv), delta, c.of(dOut), c.of(out), logSumExp, c.of(qkv), spec));
    }
  }

  private final class AttentionDecode extends AttentionDecodeOp {
    AttentionDecode() {
      super(context);
    }

    @Override
    protected void runCacheKeysValues(Tensor keys, Tensor values, Tensor qkv, int heads) {
      onCopies(
          c -> ops.attentionDecode().cacheKeysValues(c.of(keys), c.of(values), c.of(qkv), heads));
    }

    @Override
    protected void runForward(
        Tensor out, Tensor keys, Tensor values, Tensor qkv, Tensor position, int heads) {
      onCopies(
          c ->
              ops.attentionDecode()
                  .forward(c.of(out), c.of(keys), c.of(values), c.of(qkv), position, heads));
    }
  }

  private final class CrossAttention extends CrossAttentionOp {
    CrossAttention() {
      super(context);
    }

    @Override
    protected void runForward(
        Tensor out,
        Tensor logSumExp,
        Tensor queries,
        Tensor keysValues,
        Tensor lengths,
        int heads) {
      onCopies(
          c ->
              ops.crossAttention()
                  .forward(c.of(out), logSumExp, c.of(queries), c.of(keysValues), lengths, heads));
    }

    @Override
    protected void runBackward(
        Tensor dQueries,
        Tensor dKeysValues,
        Tensor delta,
        Tensor dOut,
        Tensor out,
        Tensor logSumExp,
        Tensor queries,
        Tensor keysValues,
        Tensor lengths,
        int heads) {
      onCopies(
          c ->
              ops.crossAttention()
                  .backward(
                      c.of(dQueries),
                      c.of(dKeysValues),
                      delta,
                      c.of(dOut),
                      c.of(out),
                      logSumExp,
                      c.of(queries),
                      c.of(keysValues),
                      lengths,
                      heads));
    }
  }

  private final class Dropout extends DropoutOp {
    Dropout() {
      super(context);
    }

    @Override
    protected void run(Tensor out, Tensor in, DropoutSpec dropout) {
      onCopies(c -> ops.dropout().forward(c.of(out), c.of(in), dropout));
    }
  }

  private final class Softcap extends SoftcapOp {
    Softcap() {
      super(context);
    }

    @Override
    protected void runForward(Tensor out, Tensor in, float cap) {
      onCopies(c -> ops.softcap().forward(c.of(out), c.of(in), cap));
    }

    @Override
    protected void runBackward(Tensor dIn, Tensor dOut, Tensor in, float cap) {
      onCopies(c -> ops.softcap().backward(c.of(dIn), c.of(dOut), c.of(in), cap));
    }
  }

  private final class CrossEntropy extends CrossEntropyOp {
    CrossEntropy() {
      super(context);
    }

    @Override
    protected void run(
        Tensor losses,
        Tensor meanLoss,
        Tensor logits,
        Tensor targets,
        int vocab,
        float scale,
        boolean backward) {
      onCopies(
          c -> {
            Tensor x = c.of(logits);
            if (backward) {
              ops.crossEntropy().forwardBackward(losses, meanLoss, x, targets, vocab, scale);
            } else {
              ops.crossEntropy().forward(losses, meanLoss, x, targets, vocab, scale);
            }
          });
    }
  }

  private final class Elementwise extends ElementwiseOp {
    Elementwise() {
      super(context);
    }

    @Override
    protected void runAdd(Tensor out, Tensor a, Tensor b) {
      onCopies(c -> ops.elementwise().add(c.of(out), c.of(a), c.of(b)));
    }

    @Override
    protected void runFill(Tensor out, float value) {
      onCopies(c -> ops.elementwise().fill(c.of(out), value));
    }

    @Override
    protected void runConvert(Tensor out, Tensor in) {
      ops.elementwise().convert(out, in);
    }
  }

  private final class Norm extends NormOp {
    Norm() {
      super(context);
    }

    @Override
    protected void runCompute(Tensor norm, Tensor in) {
      ops.norm().compute(norm, in);
    }
  }

  private final class AdamW extends AdamWOp {
    AdamW() {
      super(context);
    }

    @Override
    protected void runUpdate(
        Tensor weights,
        Tensor values,
        Tensor gradients,
        Tensor firstMoment,
        Tensor secondMoment,
        Tensor gradientNorm,
        long decayed,
        AdamWStep step) {
      ops.adamW()
          .update(null, values, gradients, firstMoment, secondMoment, gradientNorm, decayed, step);
      roundByChance(weights, values, step.step(), step.seed());
    }
  }

  private final class Muon extends MuonOp {
    Muon() {
      super(context);
    }

    @Override
    protected void runMomentum(
        Tensor direction,
        Tensor momentum,
        Tensor gradients,
        Tensor gradientNorm,
        float mu,
        float maxNorm) {
      onCopies(
          c ->
              ops.muon().momentum(c.of(direction), momentum, gradients, gradientNorm, mu, maxNorm));
    }

    @Override
    protected void runOrthogonalise(Tensor matrices) {
      onCopies(c -> ops.muon().orthogonalise(c.of(matrices)));
    }

    @Override
    protected void runUpdate(Tensor weights, Tensor values, Tensor direction, MuonStep step) {
      onCopies(c -> ops.muon().update(null, values, c.of(direction), step));
      roundByChance(weights, values, step.step(), step.seed());
    }
  }

  private final class Sampling extends SamplingOp {
    Sampling() {
      super(context);
    }

    @Override
    protected void runSample(
        Tensor tokens, Tensor logits, int vocab, SamplingSpec spec, RandomKey key) {
      onCopies(c -> ops.sampling().sample(tokens, c.of(logits), vocab, spec, key));
    }

    @Override
    protected void runAdvance(
        Tensor history, Tensor token, Tensor position, RandomKey key, Tensor drawn) {
      ops.sampling().advance(history, token, position, key, drawn);
    }
  }
}
