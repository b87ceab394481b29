package dev.culebra.examples;

import static dev.culebra.nn.GptConfig.CONTEXT;
import static dev.culebra.optim.LearningRate.Schedule.CONSTANT;
import static dev.culebra.train.DataConfig.DATA;
import static dev.culebra.train.TrainingConfig.BATCH;
import static dev.culebra.train.TrainingConfig.LR;
import static dev.culebra.train.TrainingConfig.SCHEDULE;
import static dev.culebra.train.TrainingConfig.STEPS;
import static dev.culebra.train.TrainingConfig.WARMUP;

import dev.culebra.backend.Backend;
import dev.culebra.backend.Planner;
import dev.culebra.backend.cpu.CpuBackend;
import dev.culebra.data.Batches;
import dev.culebra.data.Dataset;
import dev.culebra.data.Learner;
import dev.culebra.data.Question;
import dev.culebra.data.QuestionBatches;
import dev.culebra.data.Showcase;
import dev.culebra.data.Split;
import dev.culebra.nn.Embedding;
import dev.culebra.nn.LanguageModel;
import dev.culebra.nn.Linear;
import dev.culebra.nn.Parameters;
import dev.culebra.optim.Optimizer;
import dev.culebra.options.Options;
import dev.culebra.tensor.Buffer;
import dev.culebra.tensor.DType;
import dev.culebra.tensor.Tensor;
import dev.culebra.text.CharTokenizer;
import dev.culebra.train.RunFiles;
import dev.culebra.train.TrainConfig;
import dev.culebra.train.TrainListener;
import dev.culebra.train.Trainer;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;

/** A user-defined model, dataset and optimizer, trained by Culebra: see java/README.md. */
public final class TrainYourOwn {
  private static final int LENGTH = 8;

  private TrainYourOwn() {}

  // README: begin
  /** The letters of the tokenizer from a random one on, wrapping around. */
  record Alphabet(String name, CharTokenizer tokenizer) implements Dataset {
    /** A letter, and the letters after it, which are to be predicted. */
    private Question from(int letter) {
      IntStream rest = IntStream.rangeClosed(letter + 1, letter + LENGTH);
      return new Question(new int[] {letter}, rest.map(next -> next % tokenizer.vocab()).toArray());
    }

    @Override
    public Batches batches(Split split, long seed) {
      return new QuestionBatches(
          seed, 0x50000000, split.ordinal(), random -> from(random.nextInt(tokenizer.vocab())));
    }

    @Override
    public Showcase showcase(Learner learner) {
      Learner.Writer writer = learner.writer();
      return abandon -> "x" + tokenizer.decode(writer.likeliest(tokenizer.encode("x"), 5));
    }
  }

  /** Trains up to {@code steps} steps; resumes the run in {@code path} if there is one. */
  public static String run(Path path, int steps) throws IOException {
    Options shape = Options.NONE.with(DATA, "alphabet").with(CONTEXT, LENGTH).with(BATCH, 4);
    Options course = shape.with(STEPS, steps).with(LR, 0.5f).with(WARMUP, 0);
    TrainConfig config = TrainConfig.of(course.with(SCHEDULE, CONSTANT));
    CharTokenizer letters = CharTokenizer.of("abcdefghijklmnopqrstuvwxyz");
    try (Alphabet data = new Alphabet("alphabet", letters);
        Backend backend = new CpuBackend();
        Narrow model = new Narrow(letters.vocab(), backend, config.training().seed())) {
      model.plan(config.training().batch(), config.model().context());
      try (Momentum optimizer = new Momentum(model.parameters());
          RunFiles files = RunFiles.beginOrContinue(path, config, letters);
          Trainer trainer =
              new Trainer(model, optimizer, data, config, files, TrainListener.NONE)) {
        trainer.run();
        return trainer.sample(); // what the dataset's showcase writes
      }
    }
  }

  // README: end

  /** The logits depend only on the last token, through 16 numbers. */
  static final class Narrow extends LanguageModel {
    private final Embedding embedding = child("embedding", new Embedding(vocab(), vocab(), 0, 16));
    private final Linear head = child("head", new Linear(16, vocab(), true));

    Narrow(int vocab, Backend backend, long seed) {
      super(backend, vocab);
      allocateParameters(seed);
    }

    private Narrow(Narrow model) {
      super(model.backend(), model.vocab());
      shareParameters(model.parameters());
    }

    @Override
    public Narrow shareWeights() {
      return new Narrow(this);
    }

    @Override
    protected void planNetwork(Planner planner, int batch, int time) {
      embedding.plan(planner, batch, time);
      head.plan(planner, batch, time);
    }

    @Override
    protected Tensor forward(Tensor tokens) {
      return head.forward(embedding.forward(tokens));
    }

    @Override
    protected void backward(Tensor dLogits) {
      embedding.backward(head.backward(dLogits));
    }
  }

  /** Gradient descent with momentum, computed on the host for any device. */
  static final class Momentum implements Optimizer {
    private final Parameters parameters;
    private final Buffer buffer;
    private final Tensor momentum;

    Momentum(Parameters parameters) {
      this.parameters = parameters;
      buffer = parameters.backend().allocate(parameters.values().bytes());
      momentum = new Tensor(buffer, 0, DType.F32, parameters.values().shape());
    }

    @Override
    public void step(float learningRate) {
      Backend backend = parameters.backend();
      float[] values = backend.readFloatsBlocking(parameters.values());
      float[] gradients = backend.readFloatsBlocking(parameters.gradients());
      float[] past = backend.readFloatsBlocking(momentum);
      for (int i = 0; i < values.length; i++) {
        past[i] = 0.9f * past[i] + gradients[i];
        values[i] -= learningRate * past[i];
      }
      backend.upload(momentum, past);
      backend.upload(parameters.values(), values);
      parameters.refreshWeights();
    }

    @Override
    public List<State> states() {
      return State.ofEach("optimizer.momentum.", parameters, momentum);
    }

    @Override
    public void close() {
      buffer.close();
    }
  }
}
