package dev.culebra.nn;

import dev.culebra.backend.Backend;
import dev.culebra.backend.CompactWeight;
import dev.culebra.backend.Planner;
import dev.culebra.backend.Recompute;
import dev.culebra.tensor.DType;
import dev.culebra.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;

/**
 * A decoder-only transformer (Radford et al., 2019): embeddings, pre-norm blocks, a final
 * layernorm, the head; features of newer papers are options of {@link GptConfig}. Parameters have
 * nanoGPT's names without its prefix; linear weights are (out, in).
 */
public final class Gpt extends LanguageModel {
  private final GptConfig config;
  private final Embedding embedding;
  private final Dropout dropout;
  private final List<Block> blocks = new ArrayList<>();
  private final LayerNorm lastNorm;
  private final Head head;
  private Tensor stream;
  private Tensor lastSum;

  /**
   * Set during planning of passes that stop before the head, whose logits would take most of the
   * memory.
   */
  private boolean endsBeforeHead;

  private Tensor dStream;

  /** A model on {@code backend}, its parameters drawn from {@code seed}. */
  public Gpt(GptConfig config, Backend backend, long seed) {
    this(config, backend);
    allocateParameters(seed);
  }

  /** A model on {@code backend} whose parameters are all 0, to load weights into. */
  public static Gpt toBeLoaded(GptConfig config, Backend backend) {
    Gpt model = new Gpt(config, backend);
    model.allocateParameters();
    return model;
  }

  /**
   * The same for inference alone: matrices and token tables are stored in fewer bits.
   *
   * @throws IllegalArgumentException if the backend has no {@link Backend#compact}
   */
  public static Gpt toBeLoaded(GptConfig config, Backend backend, CompactWeight.Format format) {
    Gpt model = new Gpt(config, backend);
    model.allocateParameters(format);
    return model;
  }

  private Gpt(GptConfig config, Backend backend) {
    super(backend, config.vocab());
    if (config.vocab() == 0) {
      throw new IllegalArgumentException("a model needs the vocab of its tokenizer");
    }
    this.config = config;
    int width = config.embd();
    boolean learned = config.positions() == Positions.LEARNED;
    int positions = learned ? config.context() : 0;
    embedding = child("", new Embedding(config.vocab(), config.paddedVocab(), positions, width));
    dropout = child("dropout", new Dropout(config.dropout()));
    for (int layer = 0; layer < config.layers(); layer++) {
      blocks.add(child("h." + layer, new Block(config)));
    }
    lastNorm =
        child("ln_f", new LayerNorm(width, config.bias(), config.norm(), config.normEpsilon()));
    float softcap = config.softcap();
    head =
        child(
            "lm_head",
            config.tiedHead()
                ? new Head(embedding.tokenTable(), softcap)
                : new Head(config.vocab(), config.paddedVocab(), width, softcap));
  }

  /**
   * The memory needed to train such a model.
   *
   * @param dtype of the device, {@link Backend#dtype}
   * @param batch sequences of {@code config.context()} tokens
   */
  public static MemoryNeeds trainingNeeds(
      GptConfig config, DType dtype, int batch, Recompute recompute) {
    Gpt unbacked = new Gpt(config, (Backend) null);
    long values = Parameters.elements(unbacked) * DType.F32.bytes();
    long weights = dtype == DType.F32 ? 0 : values / DType.F32.bytes() * dtype.bytes();
    long activations =
        Planner.bytes(
            dtype, true, recompute, planner -> unbacked.plan(planner, batch, config.context()));
    return new MemoryNeeds(values + weights, values, 2 * values, activations);
  }

  /**
   * Floating-point operations per token of a training step, as required by the model, not as done
   * by a device: 6 for each weight that a token is multiplied with (2 forward, 4 backward), and 6 ·
   * layers · A · T for causal attention to T tokens, A = heads · head size, which is C in most
   * models. This is the measure of MFU, model FLOPs utilisation: Chowdhery et al., "PaLM" (2022),
   * appendix B; nanoGPT's {@code estimate_mfu}. They count 12 · layers · A · T, the pairs of tokens
   * that a causal mask hides included; half of that is counted here, since no implementation needs
   * to compute them. And weights are the matrices of the blocks and the padded head, without
   * biases, layernorms and what is only looked up. For GPT-2 124M at T = 1024 that is 7 % less than
   * nanoGPT counts.
   */
  public static double flopsOfAToken(GptConfig config) {
    long[] weights = {(long) config.paddedVocab() * config.embd()};
    new Gpt(config, (Backend) null)
        .visit(
            "",
            (name, parameter) -> {
              if (parameter.kind() == Parameter.Kind.MATRIX) {
                weights[0] += parameter.shape().elements();
              }
            });
    return 6.0 * weights[0] + 6.0 * config.layers() * config.attentionWidth() * config.context();
  }

  @Override
  public double flopsOfAToken() {
    return flopsOfAToken(config);
  }

  @Override
  public Gpt shareWeights() {
    Gpt other = new Gpt(config, backend());
    other.shareParameters(parameters());
    return other;
  }

  /** Its shape. */
  public GptConfig config() {
    return config;
  }

  @Override
  public int context() {
    return config.context();
  }

  @Override
  protected void planNetwork(Planner planner, int batch, int time) {
    embedding.plan(planner, batch, time);
    dropout.plan(planner, batch, time);
    dStream = planner.training() ? planner.keepActivation(batch, time, config.embd()) : null;
    // All blocks reuse the same scratch memory. Without training the branch of a block is scratch
    // too: it lies
    // behind the next block's first output, which is all that is written before it is read.
    for (Block block : blocks) {
      planner.releaseScratch();
      block.plan(planner, batch, time);
    }
    planner.releaseScratch();
    if (endsBeforeHead) {
      return;
    }
    lastNorm.planOnStream(planner, batch, time);
    lastSum = planner.training() ? planner.keepActivation(batch, time, config.embd()) : null;
    head.plan(planner, batch, time);
  }

  /**
   * Plans passes over T tokens that fill {@code cache} from position 0 and stop before the head.
   */
  public void planPrefill(KvCache cache, int time) {
    endsBeforeHead = true;
    try {
      planInference(1, time);
    } finally {
      endsBeforeHead = false;
    }
    useCaches(List.of(cache), false);
  }

  /** Bytes needed by {@link #planPrefill} for a whole context. */
  public static long prefillBytes(GptConfig config, DType dtype) {
    Gpt unbacked = new Gpt(config, (Backend) null);
    unbacked.endsBeforeHead = true;
    return Planner.bytes(
        dtype, false, Recompute.NONE, planner -> unbacked.plan(planner, 1, config.context()));
  }

  /** Bytes needed by {@link #planInference}. */
  public static long inferenceBytes(GptConfig config, DType dtype, int batch, int time) {
    Gpt unbacked = new Gpt(config, (Backend) null);
    return Planner.bytes(
        dtype, false, Recompute.NONE, planner -> unbacked.plan(planner, batch, time));
  }

  /**
   * Plans passes over one token of each of several sequences, which continue {@code caches} of one
   * sequence each, whatever their lengths.
   */
  public void planDecoding(List<KvCache> caches) {
    planInference(caches.size(), 1);
    embedding.continueAt(caches.stream().map(KvCache::position).toList());
    useCaches(caches, true);
  }

  private void useCaches(List<KvCache> caches, boolean decoding) {
    for (int layer = 0; layer < blocks.size(); layer++) {
      int index = layer;
      List<KvCache.Layer> layers = caches.stream().map(cache -> cache.layer(index)).toList();
      blocks.get(layer).attention().useCaches(layers, decoding);
    }
  }

  @Override
  protected Tensor forward(Tensor tokens) {
    Tensor branch = forwardBlocks(tokens);
    Tensor sum = lastSum == null ? stream : lastSum;
    return head.forward(lastNorm.forward(sum, stream, branch));
  }

  /** Runs the loaded tokens through all blocks, to fill a {@link KvCache}. */
  public void forwardToCache() {
    forwardBlocks(tokens());
  }

  /** Runs all blocks; returns the last branch, not yet added to the stream. */
  private Tensor forwardBlocks(Tensor tokens) {
    stream = dropout.forward(embedding.forward(tokens));
    Tensor branch = null;
    for (Block block : blocks) {
      branch = block.forward(stream, branch);
      stream = block.stream();
    }
    return branch;
  }

  @Override
  protected void backward(Tensor dLogits) {
    lastNorm.backwardBeginsStream(
        dStream, blocks.getLast().branchBiasGradient(), head.backward(dLogits));
    for (int layer = blocks.size() - 1; layer >= 0; layer--) {
      blocks.get(layer).backward(dStream, layer == 0 ? null : blocks.get(layer - 1));
    }
    if (dropout.isActive()) {
      dropout.backward(dStream, dStream);
    }
    embedding.backward(dStream);
  }
}
