package dev.culebra.nn;

import static dev.culebra.nn.Parameter.gradientOf;

import dev.culebra.backend.Planner;
import dev.culebra.tensor.Shape;
import dev.culebra.tensor.Tensor;
import java.util.List;

/** Token embedding plus learned position embedding: (B, T) tokens → (B, T, C). */
public final class Embedding extends Module {
  private static final Shape ONE = Shape.of(1, 1);

  private final int width;
  private final Parameter tokens;
  private final Parameter positions;
  private Tensor in;
  private Tensor out;

  /** The position of each sequence; empty if all begin at 0. */
  private List<Tensor> offsets = List.of();

  private List<Tensor> outRows;

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
    offsets = List.of();
  }

  /**
   * Makes each sequence continue with one token at its position (I32 (1), on the device), of which
   * the plan must have as many, instead of starting at 0.
   */
  void continueAt(List<Tensor> offsets) {
    this.offsets = offsets;
    outRows = CausalSelfAttention.rows(out);
  }

  /** I32 (B, T) → (B, T, C). */
  public Tensor forward(Tensor in) {
    this.in = in;
    if (offsets.isEmpty()) {
      embed(out, in, tokens, positions, null);
    } else {
      continueRows(in);
    }
    return out;
  }

  private void continueRows(Tensor in) {
    if (positions == null) {
      embed(out, in, tokens, null, null);
      return;
    }
    for (int row = 0; row < offsets.size(); row++) {
      embed(outRows.get(row), in.slice(row, ONE), tokens, positions, offsets.get(row));
    }
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
