package dev.culebra.generate;

import dev.culebra.nn.LanguageModel;
import dev.culebra.tensor.Shape;
import dev.culebra.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;

/**
 * Reads with any model: the whole window again for each token. Positions after the last token are
 * 0; no earlier logits depend on them.
 */
final class WindowReader implements TokenReader {
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
  public int places() {
    return 1;
  }

  @Override
  public boolean slides() {
    return false;
  }

  @Override
  public int ahead() {
    return 1;
  }

  @Override
  public void restart(Sequence sequence) {}

  @Override
  public void draw(List<Sequence> sequences, int steps) {
    Sequence sequence = sequences.getFirst();
    int length = sequence.length();
    int[] padded = Arrays.copyOf(Arrays.copyOf(sequence.window(), length), window);
    reader.load(MemorySegment.ofArray(padded), null);
    Tensor logits = reader.forward();
    int width = logits.shape().dim(-1);
    Tensor last = logits.slice((length - 1L) * width, Shape.of(1, width));
    reader
        .backend()
        .ops()
        .sampling()
        .sample(
            sequence.slot(),
            last,
            reader.vocab(),
            sequence.continuation().sampling(),
            sequence.place().key());
  }

  @Override
  public void close() {
    reader.close();
  }
}
