package dev.culebra.nn;

import static dev.culebra.nn.Parameter.gradientOf;

import dev.culebra.backend.Planner;
import dev.culebra.tensor.Shape;
import dev.culebra.tensor.Tensor;

/** Token embedding plus learned position embedding: (B, T) tokens → (B, T, C). */
public final class Embedding extends Module {
  private final int width;
  private final Parameter tokens;
  private final Parameter positions;
  private Tensor in;
  private Tensor out;
  private Tensor offset;

  /**
   * Tables named {@code wte.weight} (padded V, C) and {@code wpe.weight} (context, C).
   *
   * @param vocab number of tokens
   * @param paddedVocab rows of the table, at least {@code vocab}; the extra rows are never trained
   *     or saved
   * @param context number of positions, or 0 for an embedding without positions
   */
  public Embedding(int vocab, int paddedVocab, int context, int width) {
    this.width = width;
    this.tokens =
        table("wte.weight", Init.GPT2, Shape.of(paddedVocab, width), Shape.of(vocab, width));
    this.positions =
        context == 0 ? null : positions("wpe.weight", Init.GPT2, Shape.of(context, width));
  }

  @Override
  public void plan(Planner planner, int batch, int time) {
    out = planner.keepActivation(batch, time, width);
    offset = null;
  }

  /** Counts positions from the value of {@code offset} (I32 (1), on the device) instead of 0. */
  void startAt(Tensor offset) {
    this.offset = offset;
  }

  /** I32 (B, T) → (B, T, C). */
  public Tensor forward(Tensor in) {
    this.in = in;
    embed(out, in, tokens, positions, offset);
    return out;
  }

  /** Adds to the tables' gradients. */
  public void backward(Tensor dOut) {
    ops().embedding().backward(tokens.gradient(), gradientOf(positions), dOut, in);
  }

  /** The token table (padded V, C), which a tied head shares. */
  public Parameter tokenTable() {
    return tokens;
  }
}
