package dev.culebra.backend;

import static dev.culebra.backend.Numbers.magnitudes;
import static dev.culebra.backend.Numbers.widened;

import dev.culebra.tensor.Tensor;
import java.util.Arrays;
import java.util.stream.Stream;

/** Embedding, forward and backward. */
final class EmbeddingCases {
  private EmbeddingCases() {}

  /** Sizes of an embedding, with {@code positions} rows in the position table, 0 for no table. */
  private record Size(int b, int t, int c, int vocab, int positions) {
    String name(String op) {
      return "%s B=%d T=%d C=%d V=%d positions=%d".formatted(op, b, t, c, vocab, positions);
    }
  }

  static Stream<OpCase> all() {
    // Vocabularies smaller than B · T repeat tokens.
    return Stream.of(
            new Size(2, 3, 5, 4, 8),
            new Size(1, 1, 1, 1, 1),
            new Size(1, 1, 129, 7, 4),
            new Size(3, 17, 33, 5, 17),
            new Size(2, 65, 64, 50, 0),
            new Size(5, 31, 7, 1, 64),
            new Size(1, 130, 128, 300, 130))
        .flatMap(size -> Stream.of(forward(size, 0), forward(size, 3), backward(size)));
  }

  private static OpCase forward(Size s, int offset) {
    String name = s.name("embeddingForward") + " offset=" + offset;
    return new OpCase(
        name,
        run -> {
          int rows = s.positions == 0 ? 0 : s.positions + offset;
          int[] tokens = Numbers.below(run.random(), s.b * s.t, s.vocab);
          float[] table = run.normal(s.vocab * s.c);
          float[] positions = rows == 0 ? null : run.normal(rows * s.c);
          Tensor out = run.output(s.b, s.t, s.c);
          run.ops()
              .embedding()
              .forward(
                  out,
                  run.input(tokens, s.b, s.t),
                  run.input(table, s.vocab, s.c),
                  run.optional(run.inputOrNull(positions, rows, s.c)),
                  offset == 0 ? null : run.optional(run.input(new int[] {offset}, 1)));
          run.result(
              "out",
              out,
              () ->
                  Expected.exactly(
                      ReferenceOps.embeddingForward(
                          tokens, widened(table), widened(positions), offset, s.t, s.c)));
        });
  }

  private static OpCase backward(Size s) {
    return new OpCase(
        s.name("embeddingBackward"),
        run -> {
          int rows = s.b * s.t;
          int[] tokens = Numbers.below(run.random(), rows, s.vocab);
          float[] dOut = run.normal(rows * s.c);
          float[] table = run.singleNormal(s.vocab * s.c);
          float[] positions = s.positions == 0 ? null : run.singleNormal(s.positions * s.c);
          Tensor dTable = run.single(table, s.vocab, s.c);
          Tensor dPositions = run.optional(run.singleOrNull(positions, s.positions, s.c));
          run.ops()
              .embedding()
              .backward(
                  dTable, dPositions, run.input(dOut, s.b, s.t, s.c), run.input(tokens, s.b, s.t));
          double[] d = widened(dOut);
          run.result(
              "dTokenTable",
              dTable,
              () ->
                  Expected.added(
                      table,
                      ReferenceOps.tokenTableGradient(d, tokens, s.vocab, s.c),
                      ReferenceOps.tokenTableGradient(magnitudes(d), tokens, s.vocab, s.c),
                      mostRepeated(tokens)));
          if (dPositions != null) {
            run.result(
                "dPositionTable",
                dPositions,
                () ->
                    Expected.added(
                        positions,
                        ReferenceOps.positionTableGradient(d, s.t, s.positions, s.c),
                        ReferenceOps.positionTableGradient(magnitudes(d), s.t, s.positions, s.c),
                        s.b));
          }
        });
  }

  private static int mostRepeated(int[] tokens) {
    int[] counts = new int[tokens.length == 0 ? 0 : Arrays.stream(tokens).max().getAsInt() + 1];
    for (int token : tokens) {
      counts[token]++;
    }
    return Arrays.stream(counts).max().orElse(0);
  }
}
