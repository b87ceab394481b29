package dev.culebra.generate;

import dev.culebra.backend.RandomKey;
import dev.culebra.backend.SamplingSpec;
import dev.culebra.nn.LanguageModel;
import dev.culebra.tensor.Shape;
import dev.culebra.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * Reads with any model: the whole window again for each token. Positions after the last token are
 * 0; no earlier logits depend on them.
 */
final class WindowReader implements NextToken {
  private final LanguageModel reader;
  private final int window;

  WindowReader(LanguageModel model, int window) {
    this.window = window;
    reader = model.shareWeights();
    try {
      reader.eval();
      reader.planInference(1, window);
    } catch (Throwable e) { // even an Error must leave nothing open
      reader.close();
      throw e;
    }
  }

  @Override
  public void restart(int[] tokens, int length) {}

  @Override
  public void draw(int[] tokens, int length, SamplingSpec spec, RandomKey key, Tensor drawn) {
    int[] padded = Arrays.copyOf(Arrays.copyOf(tokens, length), window);
    reader.load(MemorySegment.ofArray(padded), null);
    Tensor logits = reader.forward();
    int width = logits.shape().dim(-1);
    Tensor last = logits.slice((length - 1L) * width, Shape.of(1, width));
    reader.backend().ops().sampling().sample(drawn, last, reader.vocab(), spec, key);
  }

  @Override
  public void close() {
    reader.close();
  }
}
