package dev.culebra.examples.lecture;

import dev.culebra.backend.Backend;
import dev.culebra.backend.RandomKey;
import dev.culebra.backend.SamplingSpec;
import dev.culebra.backend.cpu.CpuBackend;
import dev.culebra.data.Batch;
import dev.culebra.data.Corpora;
import dev.culebra.data.Corpus;
import dev.culebra.nn.Bigram;
import dev.culebra.optim.AdamW;
import dev.culebra.tensor.Buffer;
import dev.culebra.tensor.DType;
import dev.culebra.tensor.Shape;
import dev.culebra.tensor.Tensor;
import dev.culebra.text.TokenizerKind;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** The simplest language model: a table with a row of logits for each preceding character. */
@Command(
    name = "bigram",
    header = "The baseline: predict the next character from the last one alone.",
    footer = {"", "Example: culebra lecture bigram --data macbeth"})
public final class BigramBaseline implements Callable<Integer> {
  @Mixin private CommonFlags common;

  private static final int BATCH = 32;
  private static final int CONTEXT = 64;

  @Option(
      names = "--data",
      defaultValue = "dickens",
      paramLabel = "NAME|PATH",
      description = "The text to train on. Default: ${DEFAULT-VALUE}")
  private String data;

  @Option(
      names = "--steps",
      defaultValue = "1000",
      paramLabel = "N",
      description = "Default: ${DEFAULT-VALUE}")
  private Integer steps;

  @Option(
      names = "--tokens",
      defaultValue = "300",
      paramLabel = "N",
      description = "Characters to write. Default: ${DEFAULT-VALUE}")
  private Integer tokens;

  @Option(
      names = "--seed",
      paramLabel = "N",
      defaultValue = "1337",
      description = "Default: ${DEFAULT-VALUE}")
  private Long seed;

  @Override
  public Integer call() throws IOException {
    common.requirePositive("--steps", steps);
    common.requirePositive("--tokens", tokens);
    try (Backend backend = new CpuBackend();
        Corpus corpus = Corpora.ofUser().open(data, TokenizerKind.CHAR);
        Bigram model = new Bigram(corpus.tokenizer().vocab(), backend, seed);
        AdamW optimizer =
            new AdamW(model.parameters(), new AdamW.Config(0.9f, 0.99f, 1e-8f, 0, 0));
        Batch batch = new Batch(BATCH, CONTEXT)) {
      corpus.requireContext(CONTEXT);
      new TrainingLoop(model, corpus, batch, seed).run(optimizer, steps, 0.05f, 200, 50);
      System.out.println();
      System.out.println(corpus.tokenizer().decode(write(model)));
      return 0;
    }
  }

  /** Draws one character after another, starting with token 0. */
  private int[] write(Bigram model) {
    Backend backend = model.backend();
    int[] written = new int[tokens];
    int[] last = {0};
    model.planInference(1, 1);
    try (Buffer memory = backend.allocate(256)) {
      Tensor drawn = new Tensor(memory, 0, DType.I32, Shape.of(1));
      Tensor randomState = new Tensor(memory, 64, DType.I32, Shape.of(4));
      RandomKey key = new RandomKey(randomState, 0);
      for (int i = 0; i < tokens; i++) {
        model.load(MemorySegment.ofArray(last), null);
        Tensor logits = model.forward().reshape(Shape.of(1, model.vocab()));
        backend.upload(randomState, new int[] {seed.intValue(), (int) (seed >>> 32), i, 0});
        backend
            .ops()
            .sampling()
            .sample(drawn, logits, model.vocab(), new SamplingSpec(1, 0, 1), key);
        last[0] = backend.readIntBlocking(drawn);
        written[i] = last[0];
      }
    }
    return written;
  }
}
