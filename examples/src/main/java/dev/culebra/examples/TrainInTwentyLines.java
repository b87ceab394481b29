package dev.culebra.examples;

import dev.culebra.backend.SamplingSpec;
import dev.culebra.backend.cpu.CpuBackend;
import dev.culebra.data.Batch;
import dev.culebra.data.BatchSampler;
import dev.culebra.data.Corpora;
import dev.culebra.data.Split;
import dev.culebra.generate.Generator;
import dev.culebra.nn.Gpt;
import dev.culebra.nn.Preset;
import dev.culebra.optim.AdamW;
import dev.culebra.text.TokenizerKind;
import java.io.IOException;

/** The library without the trainer: the program in README.md. */
public final class TrainInTwentyLines {
  private TrainInTwentyLines() {}

  /** Trains for {@code steps} steps on Macbeth, prints the loss and a sample; returns the loss. */
  public static float run(int steps) throws IOException {
    // README: begin
    try (var backend = new CpuBackend();
        var corpus = Corpora.ofUser().open("macbeth", TokenizerKind.CHAR);
        var model = new Gpt(Preset.NANO.config(corpus.tokenizer().vocab()), backend, 1337);
        var optimizer = new AdamW(model.parameters(), AdamW.Config.DEFAULT);
        var batch = new Batch(12, 64)) {
      model.plan(12, 64); // B, T: all memory of a step, once
      var batches = new BatchSampler(corpus, Split.TRAIN, 1337);
      for (int step = 0; step < steps; step++) {
        batches.fill(batch, step, 0); // text → tokens → batch
        model.load(batch.inputs(), batch.targets());
        model.zeroGradients();
        model.forward(); // embeddings → blocks → logits
        model.backward(1); // loss, gradients
        optimizer.step(1e-3f);
      }
      float loss = model.readLossBlocking();
      System.out.println("loss " + loss);
      var tokenizer = corpus.tokenizer();
      try (var generator = new Generator(model)) {
        int[] prompt = tokenizer.encode("\n");
        int[] tokens = generator.generate(prompt, 200, new SamplingSpec(0.8f, 0, 1), 1);
        System.out.println(tokenizer.decode(tokens));
      }
      return loss;
    }
    // README: end
  }

  /** Trains for the number of steps in the first argument; 200 by default. */
  public static void main(String[] args) throws IOException {
    run(args.length > 0 ? Integer.parseInt(args[0]) : 200);
  }
}
