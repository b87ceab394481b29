package dev.culebra.train;

import static dev.culebra.train.TrainingConfig.BATCH;
import static dev.culebra.train.TrainingConfig.GRAD_ACCUM;

import dev.culebra.backend.Backend;
import dev.culebra.backend.OutOfDeviceMemoryException;
import dev.culebra.backend.Recompute;
import dev.culebra.data.Batches;
import dev.culebra.data.Dataset;
import dev.culebra.data.Learner;
import dev.culebra.data.MeanLoss;
import dev.culebra.data.Question;
import dev.culebra.data.Tokens;
import dev.culebra.generate.Generator;
import dev.culebra.nn.Gpt;
import dev.culebra.nn.GptConfig;
import dev.culebra.nn.MemoryNeeds;
import dev.culebra.optim.Muon;
import dev.culebra.options.Setting;
import dev.culebra.options.Wording;
import dev.culebra.tensor.DType;
import java.util.List;
import java.util.Optional;
import java.util.function.IntPredicate;

/** Advice for a run that does not fit into the device's memory. */
final class MemoryAdvice {
  /** Workspaces and the driver's own memory; Muon needs more. */
  private static final long OTHER_BYTES = 40 << 20;

  private static final Setting<Recompute> BLOCKS = DeviceConfig.RECOMPUTE.set(Recompute.BLOCK);

  private final TrainConfig config;
  private final Dataset data;
  private final GptConfig model;
  private final DType dtype;
  private final long available;

  private MemoryAdvice(TrainConfig config, Dataset data, DType dtype, long available) {
    this.config = config;
    this.data = data;
    this.model = config.model().withVocab(data.tokenizer().vocab());
    this.dtype = dtype;
    this.available = available;
  }

  /**
   * The exception, with one line that says what is needed, what is available, and what would fit.
   */
  static OutOfDeviceMemoryException explain(
      OutOfDeviceMemoryException failure, TrainConfig config, Dataset data, Backend backend) {
    long available = failure.availableBytes();
    MemoryAdvice advice = new MemoryAdvice(config, data, backend.dtype(), available);
    return new OutOfDeviceMemoryException(advice.text(backend.name()), available, failure);
  }

  private Wording text(String device) {
    int batch = config.training().batch();
    Recompute recompute = config.device().recompute();
    MemoryNeeds needs = needs(batch, recompute);
    String text =
        "not enough memory on %s: this run needs %s (parameters %s, gradients %s, optimizer %s, activations %s, samples %s, workspace %s)"
            .formatted(
                device,
                bytes(total(batch, recompute)),
                bytes(needs.parameters()),
                bytes(needs.gradients()),
                bytes(needs.optimizer()),
                bytes(needs.activations()),
                bytes(samples(config.training().batch())),
                bytes(workspace()));
    return available == OutOfDeviceMemoryException.UNKNOWN
        ? new Wording("%s; try a smaller %s with more %s, or %s", text, BATCH, GRAD_ACCUM, BLOCKS)
        : new Wording("%s, but only %s is available; %s", text, bytes(available), suggestion());
  }

  private Wording suggestion() {
    Optional<Wording> recompute = keepingLess();
    Optional<Wording> batch = smallerBatch();
    if (recompute.isPresent() && batch.isPresent()) {
      return new Wording("try %s, or %s", recompute.get(), batch.get());
    }
    if (recompute.isPresent() || batch.isPresent()) {
      return new Wording("try %s", recompute.or(() -> batch).get());
    }
    return new Wording(
        fits(1, Recompute.BLOCK) ? "try %s %s" : "even %s %s does not fit: use a smaller model",
        BATCH.set(1),
        BLOCKS);
  }

  private Optional<Wording> keepingLess() {
    for (Recompute recompute : Recompute.values()) {
      if (recompute.compareTo(config.device().recompute()) > 0
          && fits(config.training().batch(), recompute)) {
        return Optional.of(new Wording("%s", DeviceConfig.RECOMPUTE.set(recompute)));
      }
    }
    return Optional.empty();
  }

  private Optional<Wording> smallerBatch() {
    TrainingConfig training = config.training();
    for (int batch = training.batch() / 2; batch >= 1; batch /= 2) {
      long sequences = (long) training.batch() * training.gradAccum();
      long gradAccum = Math.ceilDiv(sequences, (long) batch);
      if (gradAccum <= TrainingConfig.MAX_BATCH && fits(batch, config.device().recompute())) {
        return Optional.of(new Wording("%s %s", BATCH.set(batch), GRAD_ACCUM.set((int) gradAccum)));
      }
    }
    return Optional.empty();
  }

  private boolean fits(int batch, Recompute recompute) {
    return total(batch, recompute) <= available;
  }

  private long total(int batch, Recompute recompute) {
    return needs(batch, recompute).total() + samples(batch) + workspace();
  }

  /** Memory of the samples during training. */
  private long samples(int batch) {
    return showcaseBytes(data, model, dtype, batch);
  }

  /**
   * Bytes that {@link Dataset#showcase} needs with this model: for the writer, and for validation
   * questions asked {@code batch} at once.
   */
  static long showcaseBytes(Dataset data, GptConfig model, DType dtype, int batch) {
    Count count = new Count(model, dtype, batch);
    data.showcase(count);
    return count.bytes;
  }

  /** A learner that only counts the memory it would need; what it returns is never used. */
  private static final class Count implements Learner {
    private final GptConfig model;
    private final DType dtype;
    private final int batch;
    private long bytes;

    Count(GptConfig model, DType dtype, int batch) {
      this.model = model;
      this.dtype = dtype;
      this.batch = batch;
    }

    @Override
    public int context() {
      return model.context();
    }

    @Override
    public int batch() {
      return batch;
    }

    @Override
    public Writer writer() {
      bytes += Generator.bytes(model, dtype);
      return new Writer() {
        @Override
        public void likeliest(int[] prompt, int count, IntPredicate onToken) {
          throw new UnsupportedOperationException();
        }

        @Override
        public void draw(int[] prompt, int count, IntPredicate onToken) {
          throw new UnsupportedOperationException();
        }
      };
    }

    @Override
    public Exam exam(List<Question> questions, int atOnce) {
      int rows = Examiner.rows(questions, atOnce);
      bytes += Gpt.inferenceBytes(model, dtype, rows, Examiner.context(questions));
      return abandon -> {
        throw new UnsupportedOperationException();
      };
    }

    @Override
    public MeanLoss loss(Tokens tokens) {
      throw new UnsupportedOperationException();
    }

    @Override
    public double[] losses(List<Question> questions) {
      throw new UnsupportedOperationException();
    }

    @Override
    public MeanLoss loss(Batches batches, int count) {
      throw new UnsupportedOperationException();
    }
  }

  private long workspace() {
    return switch (config.training().optimizer()) {
      case ADAMW -> OTHER_BYTES;
      case MUON -> OTHER_BYTES + Muon.workspaceBytes(model, dtype);
    };
  }

  private MemoryNeeds needs(int batch, Recompute recompute) {
    return Gpt.trainingNeeds(model, dtype, batch, recompute);
  }

  private static String bytes(long bytes) {
    return bytes < 1_000_000_000
        ? "%.1f MB".formatted(bytes / 1e6)
        : "%.1f GB".formatted(bytes / 1e9);
  }
}
