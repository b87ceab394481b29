package dev.culebra.examples.lecture;

import dev.culebra.backend.Activation;
import dev.culebra.backend.Backend;
import dev.culebra.backend.SamplingSpec;
import dev.culebra.backend.cpu.CpuBackend;
import dev.culebra.data.Batch;
import dev.culebra.data.Corpora;
import dev.culebra.data.Corpus;
import dev.culebra.generate.Generator;
import dev.culebra.nn.Gpt;
import dev.culebra.nn.GptConfig;
import dev.culebra.optim.AdamW;
import dev.culebra.text.Tokenizer;
import dev.culebra.text.TokenizerKind;
import java.io.IOException;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** The lecture's last model, from text to text in one file: a first look at the library. */
@Command(
    name = "tiny-gpt",
    header = "The lecture's final model: 6 layers, 6 heads, 384 wide.",
    description = "As in the lecture, it needs a GPU or patience; the example below suits a CPU.",
    footer = {
      "",
      "Example: culebra lecture tiny-gpt --layers 4 --heads 4 --embd 128 --context 64 --batch 12"
          + " --dropout 0 --lr 1e-3 --steps 1000"
    })
public final class TinyGpt implements Callable<Integer> {
  @Mixin private CommonFlags common;

  @Option(
      names = "--data",
      paramLabel = "NAME|PATH",
      defaultValue = "dickens",
      description = "Default: ${DEFAULT-VALUE}")
  private String data;

  @Option(
      names = "--layers",
      paramLabel = "N",
      defaultValue = "6",
      description = "Default: ${DEFAULT-VALUE}")
  private Integer layers;

  @Option(
      names = "--heads",
      paramLabel = "N",
      defaultValue = "6",
      description = "Default: ${DEFAULT-VALUE}")
  private Integer heads;

  @Option(
      names = "--embd",
      paramLabel = "N",
      defaultValue = "384",
      description = "Width. Default: ${DEFAULT-VALUE}")
  private Integer embd;

  @Option(
      names = "--context",
      paramLabel = "N",
      defaultValue = "256",
      description = "T. Default: ${DEFAULT-VALUE}")
  private Integer context;

  @Option(
      names = "--batch",
      paramLabel = "N",
      defaultValue = "64",
      description = "B. Default: ${DEFAULT-VALUE}")
  private Integer batchSize;

  @Option(
      names = "--dropout",
      paramLabel = "P",
      defaultValue = "0.2",
      description = "Default: ${DEFAULT-VALUE}")
  private Float dropout;

  @Option(
      names = "--steps",
      paramLabel = "N",
      defaultValue = "5000",
      description = "Default: ${DEFAULT-VALUE}")
  private Integer steps;

  @Option(
      names = "--lr",
      paramLabel = "RATE",
      defaultValue = "3e-4",
      description = "Default: ${DEFAULT-VALUE}")
  private Float learningRate;

  @Option(
      names = "--eval-every",
      paramLabel = "N",
      defaultValue = "500",
      description = "Steps between evaluations. Default: ${DEFAULT-VALUE}")
  private Integer evalEvery;

  @Option(
      names = "--tokens",
      paramLabel = "N",
      defaultValue = "500",
      description = "Default: ${DEFAULT-VALUE}")
  private Integer tokens;

  @Option(
      names = "--seed",
      paramLabel = "N",
      defaultValue = "1337",
      description = "Default: ${DEFAULT-VALUE}")
  private Long seed;

  @Override
  public Integer call() throws IOException {
    common.requirePositive("--context", context);
    common.requirePositive("--batch", batchSize);
    common.requirePositive("--steps", steps);
    common.requirePositive("--eval-every", evalEvery);
    common.requirePositive("--tokens", tokens);
    try (Backend backend = new CpuBackend();
        Corpus corpus = Corpora.ofUser().open(data, TokenizerKind.CHAR)) {
      corpus.requireContext(context);
      Tokenizer tokenizer = corpus.tokenizer();
      try (Gpt model = new Gpt(config(tokenizer.vocab()), backend, seed);
          AdamW optimizer =
              new AdamW(model.parameters(), new AdamW.Config(0.9f, 0.999f, 1e-8f, 0.01f, 0));
          Batch batch = new Batch(batchSize, context)) {
        System.out.printf("%,d parameters%n", model.parameters().count());
        new TrainingLoop(model, corpus, batch, seed)
            .run(optimizer, steps, learningRate, evalEvery, 20);
        try (Generator generator = new Generator(model)) {
          int[] prompt = {0};
          int[] written = generator.generate(prompt, tokens, new SamplingSpec(1, 0, 1), seed);
          System.out.println();
          System.out.println(tokenizer.decode(written));
        }
      }
      return 0;
    }
  }

  private GptConfig config(int vocab) {
    boolean biases = true;
    boolean headIsTheTokenTable = false;
    try {
      return new GptConfig(
          layers,
          heads,
          embd,
          context,
          vocab,
          dropout,
          biases,
          headIsTheTokenTable,
          Activation.RELU);
    } catch (IllegalArgumentException e) {
      throw common.usage(e.getMessage());
    }
  }
}
