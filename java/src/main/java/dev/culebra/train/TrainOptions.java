package dev.culebra.train;

import dev.culebra.backend.Activation;
import dev.culebra.backend.Recompute;
import dev.culebra.cuda.Binding;
import dev.culebra.data.TokenizerChoice;
import dev.culebra.nn.Normalization;
import dev.culebra.nn.Positions;
import dev.culebra.nn.Preset;
import dev.culebra.optim.LearningRate;
import dev.culebra.optim.Optimizer;
import java.io.IOException;
import java.math.BigDecimal;
import java.nio.file.Path;
import java.util.List;

/**
 * A {@link TrainConfig} in the making, in which any value may be absent: what a configuration file
 * or a command line says. Its setters have the names and meanings of {@link TrainConfig}'s
 * components; {@code null} takes a value back. Not safe for several threads.
 *
 * <pre>{@code
 * TrainConfig config = new TrainOptions().preset(Preset.NANO).data("macbeth").steps(200).config();
 * }</pre>
 */
public final class TrainOptions {
  /** Where nobody sets a warmup it is the preset's, but at most this part of a short run. */
  private static final int SHORT_WARMUP = 10;

  Preset preset;
  String data;
  TokenizerChoice tokenizer;
  Integer layers;
  Integer heads;
  Integer embd;
  Integer context;
  Float dropout;
  Boolean bias;
  Boolean tiedHead;
  Activation activation;
  Boolean gatedMlp;
  Positions positions;
  Normalization norm;
  Boolean qkNorm;
  Integer kvHeads;
  Float softcap;
  Integer batch;
  Integer gradAccum;
  Integer steps;
  Optimizer.Kind optimizer;
  Float lr;
  Float minLr;
  Integer warmup;
  LearningRate.Schedule schedule;
  Float weightDecay;
  Float beta1;
  Float beta2;
  Float clip;
  Float minutes;
  Integer patience;
  Integer decayFrom;
  Integer evalEvery;
  Integer evalBatches;
  Integer logEvery;
  Integer saveEvery;
  Integer sampleEvery;
  Long seed;
  Integer threads;
  DeviceChoice device;
  DtypeChoice dtype;
  Boolean tf32;
  Binding binding;
  Recompute recompute;
  Boolean skipUnknown;

  /**
   * Reads a JSON object of some of {@link TrainConfig}'s fields, in snake_case.
   *
   * @throws IOException if the file cannot be read, is not such an object, or names an unknown
   *     field; one line with file, line and column
   */
  public static TrainOptions read(Path file) throws IOException {
    return TrainJson.read(file);
  }

  /** Whether nothing is said. */
  public boolean isEmpty() {
    return TrainJson.isEmpty(this);
  }

  /**
   * What is said that a run cannot change any more when it goes on, as flags: all but its length,
   * its learning rate, the clipping, what it reports and keeps, and where it computes.
   */
  public List<String> fixedFlags() {
    TrainOptions fixed = new TrainOptions().with(this);
    fixed.steps(null).minutes(null).patience(null).lr(null).minLr(null).clip(null);
    fixed.evalEvery(null).logEvery(null).saveEvery(null).sampleEvery(null);
    fixed.threads(null).device(null).dtype(null).tf32(null).binding(null).recompute(null);
    return TrainJson.flags(fixed);
  }

  /** A copy of these options, replaced by those that {@code over} has. */
  public TrainOptions with(TrainOptions over) {
    return TrainJson.merge(this, over);
  }

  /**
   * The configuration; what is absent is the preset's.
   *
   * @throws IllegalArgumentException with one line that names the option, if a value is impossible
   */
  public TrainConfig config() {
    return config(new TrainOptions());
  }

  /**
   * The configuration; what is absent is that of {@code ofData}, what the data asks for, and then
   * the preset's.
   *
   * @throws IllegalArgumentException with one line that names the option, if a value is impossible
   */
  public TrainConfig config(TrainOptions ofData) {
    TrainOptions all =
        TrainPresets.of(preset == null ? Preset.NANO : preset).with(ofData).with(this);
    if (steps == null && minutes != null && minutes > 0) {
      all.steps = TrainConfig.ANY_STEPS;
    }
    if (warmup == null) {
      all.warmup = Math.min(all.warmup, all.steps / SHORT_WARMUP);
    }
    if (all.minLr == null) {
      all.minLr = tenth(all.lr);
    }
    return TrainJson.complete(all);
  }

  /**
   * Where nobody sets a lowest rate, a tenth of the peak as GPT-3's: 1E-4 of 0.001, no digit more.
   */
  static float tenth(float lr) {
    return Float.isFinite(lr)
        ? new BigDecimal(Float.toString(lr)).movePointLeft(1).floatValue()
        : lr;
  }

  /** What {@link #data(String)} said; null if nothing did. */
  public String data() {
    return data;
  }

  /** What {@link #preset(Preset)} said; null if nothing did. */
  public Preset preset() {
    return preset;
  }

  public TrainOptions preset(Preset preset) {
    this.preset = preset;
    return this;
  }

  public TrainOptions data(String data) {
    this.data = data;
    return this;
  }

  public TrainOptions tokenizer(TokenizerChoice tokenizer) {
    this.tokenizer = tokenizer;
    return this;
  }

  public TrainOptions layers(Integer layers) {
    this.layers = layers;
    return this;
  }

  public TrainOptions heads(Integer heads) {
    this.heads = heads;
    return this;
  }

  public TrainOptions embd(Integer embd) {
    this.embd = embd;
    return this;
  }

  public TrainOptions context(Integer context) {
    this.context = context;
    return this;
  }

  public TrainOptions dropout(Float dropout) {
    this.dropout = dropout;
    return this;
  }

  public TrainOptions bias(Boolean bias) {
    this.bias = bias;
    return this;
  }

  public TrainOptions tiedHead(Boolean tiedHead) {
    this.tiedHead = tiedHead;
    return this;
  }

  public TrainOptions activation(Activation activation) {
    this.activation = activation;
    return this;
  }

  public TrainOptions gatedMlp(Boolean gatedMlp) {
    this.gatedMlp = gatedMlp;
    return this;
  }

  public TrainOptions positions(Positions positions) {
    this.positions = positions;
    return this;
  }

  public TrainOptions norm(Normalization norm) {
    this.norm = norm;
    return this;
  }

  public TrainOptions qkNorm(Boolean qkNorm) {
    this.qkNorm = qkNorm;
    return this;
  }

  public TrainOptions kvHeads(Integer kvHeads) {
    this.kvHeads = kvHeads;
    return this;
  }

  public TrainOptions softcap(Float softcap) {
    this.softcap = softcap;
    return this;
  }

  public TrainOptions batch(Integer batch) {
    this.batch = batch;
    return this;
  }

  public TrainOptions gradAccum(Integer gradAccum) {
    this.gradAccum = gradAccum;
    return this;
  }

  public TrainOptions steps(Integer steps) {
    this.steps = steps;
    return this;
  }

  public TrainOptions optimizer(Optimizer.Kind optimizer) {
    this.optimizer = optimizer;
    return this;
  }

  public TrainOptions lr(Float lr) {
    this.lr = lr;
    return this;
  }

  public TrainOptions minLr(Float minLr) {
    this.minLr = minLr;
    return this;
  }

  public TrainOptions warmup(Integer warmup) {
    this.warmup = warmup;
    return this;
  }

  public TrainOptions schedule(LearningRate.Schedule schedule) {
    this.schedule = schedule;
    return this;
  }

  public TrainOptions weightDecay(Float weightDecay) {
    this.weightDecay = weightDecay;
    return this;
  }

  public TrainOptions beta1(Float beta1) {
    this.beta1 = beta1;
    return this;
  }

  public TrainOptions beta2(Float beta2) {
    this.beta2 = beta2;
    return this;
  }

  public TrainOptions clip(Float clip) {
    this.clip = clip;
    return this;
  }

  public TrainOptions minutes(Float minutes) {
    this.minutes = minutes;
    return this;
  }

  public TrainOptions patience(Integer patience) {
    this.patience = patience;
    return this;
  }

  public TrainOptions decayFrom(Integer decayFrom) {
    this.decayFrom = decayFrom;
    return this;
  }

  public TrainOptions evalEvery(Integer evalEvery) {
    this.evalEvery = evalEvery;
    return this;
  }

  public TrainOptions evalBatches(Integer evalBatches) {
    this.evalBatches = evalBatches;
    return this;
  }

  public TrainOptions logEvery(Integer logEvery) {
    this.logEvery = logEvery;
    return this;
  }

  public TrainOptions saveEvery(Integer saveEvery) {
    this.saveEvery = saveEvery;
    return this;
  }

  public TrainOptions sampleEvery(Integer sampleEvery) {
    this.sampleEvery = sampleEvery;
    return this;
  }

  public TrainOptions seed(Long seed) {
    this.seed = seed;
    return this;
  }

  public TrainOptions threads(Integer threads) {
    this.threads = threads;
    return this;
  }

  public TrainOptions device(DeviceChoice device) {
    this.device = device;
    return this;
  }

  public TrainOptions dtype(DtypeChoice dtype) {
    this.dtype = dtype;
    return this;
  }

  public TrainOptions tf32(Boolean tf32) {
    this.tf32 = tf32;
    return this;
  }

  public TrainOptions skipUnknown(Boolean skipUnknown) {
    this.skipUnknown = skipUnknown;
    return this;
  }

  public TrainOptions recompute(Recompute recompute) {
    this.recompute = recompute;
    return this;
  }

  public TrainOptions binding(Binding binding) {
    this.binding = binding;
    return this;
  }
}
