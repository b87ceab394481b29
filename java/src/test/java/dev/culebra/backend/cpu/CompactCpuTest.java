package dev.culebra.backend.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.culebra.backend.Activation;
import dev.culebra.backend.CompactWeight;
import dev.culebra.backend.CompactWeight.Format;
import dev.culebra.backend.OpContext;
import dev.culebra.tensor.BFloat16;
import dev.culebra.tensor.DType;
import dev.culebra.tensor.Shape;
import dev.culebra.tensor.Tensor;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class CompactCpuTest {
  /** The two implementations of the inner loops. */
  enum Loops {
    VECTOR(new VectorGemmKernel(), new VectorCompactKernel()),
    SCALAR(new ScalarGemmKernel(), new ScalarCompactKernel());

    private final GemmKernel gemm;
    private final CompactKernel compact;

    Loops(GemmKernel gemm, CompactKernel compact) {
      this.gemm = gemm;
      this.compact = compact;
    }

    CompactCpu op(WorkerPool pool) {
      return new CompactCpu(
          new OpContext(DType.F32),
          pool,
          new CpuKernels(new ScalarRowKernel(), gemm, new ScalarAttentionKernel(), compact, null));
    }
  }

  private final List<HostBuffer> buffers = new ArrayList<>();
  private final SplittableRandom random = new SplittableRandom(7);

  @AfterEach
  void closeBuffers() {
    buffers.forEach(HostBuffer::close);
  }

  /** N, OC, IC: dot products and tiles; whole blocks, a part of one, several stretches of depth. */
  @ParameterizedTest
  @CsvSource({
    "1, 1, 1",
    "1, 7, 33",
    "1, 130, 64",
    "3, 131, 200",
    "8, 66, 128",
    "9, 33, 63",
    "13, 33, 65",
    "40, 70, 1100"
  })
  void multipliesWithTheWeightsAsTheyAreStored(int n, int oc, int ic) {
    for (Loops loops : Loops.values()) {
      for (Format format : Format.values()) {
        try (WorkerPool pool = new WorkerPool(2)) {
          CompactCpu op = loops.op(pool);
          Tensor in = randomTensor(n, ic);
          Tensor bias = randomTensor(oc);
          CompactWeight weight = stored(op, format, randomTensor(oc, ic));
          Tensor plain = randomTensor(n, oc);
          Tensor full = randomTensor(n, oc);
          op.linear(plain, in, weight, null, Activation.IDENTITY);
          op.linear(full, in, weight, bias, Activation.RELU);
          for (int r = 0; r < n; r++) {
            for (int o = 0; o < oc; o++) {
              double sum = 0;
              double size = 0;
              for (int i = 0; i < ic; i++) {
                double product = (double) at(in, r, i) * value(weight, o, i);
                sum += product;
                size += Math.abs(product);
              }
              float tolerance = (float) (size * 1e-6 + 1e-6);
              String where = "%s %s (%d, %d)".formatted(loops, format, r, o);
              assertThat(at(plain, r, o)).as(where).isCloseTo((float) sum, within(tolerance));
              float biased = Math.max(0, (float) (sum + bias.getFloat(o)));
              assertThat(at(full, r, o)).as(where).isCloseTo(biased, within(tolerance));
            }
          }
        }
      }
    }
  }

  @ParameterizedTest
  @EnumSource(Format.class)
  void looksUpRowsAsTheyAreStoredAndAddsPositions(Format format) {
    for (Loops loops : Loops.values()) {
      try (WorkerPool pool = new WorkerPool(2)) {
        CompactCpu op = loops.op(pool);
        CompactWeight table = stored(op, format, randomTensor(9, 70));
        Tensor positions = randomTensor(5, 70);
        Tensor tokens = new Tensor(buffer(12), 0, DType.I32, Shape.of(1, 3));
        Tensor offset = new Tensor(buffer(4), 0, DType.I32, Shape.of(1));
        offset.setInt(0, 2);
        Tensor plain = randomTensor(1, 3, 70);
        Tensor placed = randomTensor(1, 3, 70);
        for (int t = 0; t < 3; t++) {
          tokens.setInt(t, 8 - 4 * t);
        }
        op.embedding(plain, tokens, table, null, null);
        op.embedding(placed, tokens, table, positions, offset);
        for (int t = 0; t < 3; t++) {
          for (int k = 0; k < 70; k++) {
            float value = value(table, 8 - 4 * t, k);
            assertThat(plain.getFloat(70 * t + k)).isEqualTo(value);
            assertThat(placed.getFloat(70 * t + k)).isEqualTo(value + at(positions, 2 + t, k));
          }
        }
        tokens.setInt(1, 9);
        assertThatThrownBy(() -> op.embedding(plain, tokens, table, null, null))
            .hasMessage("compactEmbedding: token 9 at element 1 is not in the table's 0 to 8");
      }
    }
  }

  @Test
  void bf16IsTheNearest() {
    try (WorkerPool pool = new WorkerPool(1)) {
      Tensor rows = randomTensor(5, 70);
      CompactWeight weight = stored(Loops.VECTOR.op(pool), Format.BF16, rows);

      for (int r = 0; r < 5; r++) {
        for (int k = 0; k < 70; k++) {
          assertThat(value(weight, r, k)).isEqualTo(BFloat16.rounded(at(rows, r, k)));
        }
      }
    }
  }

  @Test
  void int8IsWithinHalfAStepOfItsBlock() {
    try (WorkerPool pool = new WorkerPool(1)) {
      Tensor rows = randomTensor(5, 150);
      for (int k = 64; k < 128; k++) {
        rows.setFloat(k, 0); // a block of nothing but zeros
        rows.setFloat(150 + k, 1000 * rows.getFloat(150 + k)); // one of another size
      }
      CompactWeight weight = stored(Loops.VECTOR.op(pool), Format.INT8, rows);

      for (int r = 0; r < 5; r++) {
        for (int first = 0; first < 150; first += 64) {
          int end = Math.min(150, first + 64);
          float most = 0;
          for (int k = first; k < end; k++) {
            most = Math.max(most, Math.abs(at(rows, r, k)));
          }
          for (int k = first; k < end; k++) {
            assertThat(value(weight, r, k))
                .isCloseTo(at(rows, r, k), within(most / 127 / 2 * 1.0001f));
          }
        }
      }
    }
  }

  @Test
  void rowsAreStoredAPartAtATime() {
    try (WorkerPool pool = new WorkerPool(2)) {
      CompactCpu op = Loops.VECTOR.op(pool);
      Tensor all = randomTensor(40, 33);
      CompactWeight once = stored(op, Format.INT8, all);
      CompactWeight parts = weight(Format.INT8, 40, 33);
      op.store(parts, 25, all.slice(25 * 33, Shape.of(15, 33)).segment());
      op.store(parts, 0, all.slice(0, Shape.of(25, 33)).segment());

      assertThat(parts.values().segment().mismatch(once.values().segment())).isEqualTo(-1);
      assertThat(parts.scales().segment().mismatch(once.scales().segment())).isEqualTo(-1);
    }
  }

  @ParameterizedTest
  @EnumSource(Format.class)
  void theNumberOfThreadsChangesNoBit(Format format) {
    Tensor in = randomTensor(20, 333);
    Tensor rows = randomTensor(700, 333);
    float[][] results = new float[2][];
    for (int threads = 1; threads <= 2; threads++) {
      try (WorkerPool pool = new WorkerPool(threads)) {
        CompactCpu op = Loops.VECTOR.op(pool);
        CompactWeight weight = stored(op, format, rows);
        Tensor one = randomTensor(1, 700);
        Tensor all = randomTensor(20, 700);
        op.linear(one, in.slice(0, Shape.of(1, 333)), weight, null, Activation.GELU_TANH);
        op.linear(all, in, weight, null, Activation.GELU_TANH);
        float[] both = new float[21 * 700];
        for (int i = 0; i < both.length; i++) {
          both[i] = i < 700 ? one.getFloat(i) : all.getFloat(i - 700);
        }
        results[threads - 1] = both;
      }
    }
    assertThat(results[1]).isEqualTo(results[0]);
  }

  /** What lets texts be written together: a row of up to eight has the bits that it has alone. */
  @ParameterizedTest
  @EnumSource(Format.class)
  void aRowHasTheSameBitsAloneAndBesideOthers(Format format) {
    for (Loops loops : Loops.values()) {
      try (WorkerPool pool = new WorkerPool(2)) {
        CompactCpu op = loops.op(pool);
        int oc = 263;
        int ic = 150;
        Tensor in = randomTensor(LinearForward.MAX_DOT_ROWS, ic);
        Tensor bias = randomTensor(oc);
        CompactWeight weight = stored(op, format, randomTensor(oc, ic));
        Tensor alone = randomTensor(1, oc);
        for (int n = 1; n <= LinearForward.MAX_DOT_ROWS; n++) {
          Tensor all = randomTensor(n, oc);
          op.linear(all, in.slice(0, Shape.of(n, ic)), weight, bias, Activation.GELU_TANH);
          for (int r = 0; r < n; r++) {
            Tensor row = in.slice((long) r * ic, Shape.of(1, ic));
            op.linear(alone, row, weight, bias, Activation.GELU_TANH);
            Tensor same = all.slice((long) r * oc, Shape.of(1, oc));
            assertThat(alone.segment().mismatch(same.segment())).isEqualTo(-1);
          }
        }
      }
    }
  }

  @Test
  void whatDoesNotFitIsReported() {
    try (WorkerPool pool = new WorkerPool(1)) {
      CompactCpu op = Loops.VECTOR.op(pool);
      CompactWeight weight = weight(Format.INT8, 3, 5);

      assertThatThrownBy(
              () ->
                  op.linear(
                      randomTensor(2, 3), randomTensor(2, 4), weight, null, Activation.IDENTITY))
          .hasMessage(
              "compactLinear: weight (OC, IC) = I8 (3, 5) does not fit in (N, IC) = F32 (2,"
                  + " 4)");
      assertThatThrownBy(() -> op.store(weight, 2, randomTensor(2, 5).segment()))
          .hasMessage("compactStore: rows 2 to 3 are not all in weight (OC, IC) = INT8 (3, 5)");
    }
  }

  private CompactWeight stored(CompactCpu op, Format format, Tensor rows) {
    CompactWeight weight = weight(format, rows.shape().dim(0), rows.shape().dim(1));
    op.store(weight, 0, rows.segment());
    return weight;
  }

  private CompactWeight weight(Format format, int oc, int ic) {
    Shape shape = Shape.of(oc, ic);
    return new CompactWeight(format, buffer(format.bytes(shape)), 0, shape);
  }

  /** What a stored weight stands for. */
  private static float value(CompactWeight weight, int row, int column) {
    int ic = weight.shape().dim(1);
    long index = (long) row * ic + column;
    return switch (weight.format()) {
      case BF16 ->
          BFloat16.toFloat(weight.values().segment().getAtIndex(ValueLayout.JAVA_SHORT, index));
      case INT8 ->
          weight.values().segment().get(ValueLayout.JAVA_BYTE, index)
              * weight.scales().getFloat((long) row * Math.ceilDiv(ic, 64) + column / 64);
    };
  }

  private static float at(Tensor matrix, int row, int column) {
    return matrix.getFloat((long) row * matrix.shape().dim(1) + column);
  }

  private Tensor randomTensor(int... dims) {
    Shape shape = Shape.of(dims);
    Tensor tensor = new Tensor(buffer(4 * shape.elements()), 0, DType.F32, shape);
    for (long i = 0; i < shape.elements(); i++) {
      tensor.setFloat(i, (float) (2 * random.nextDouble() - 1));
    }
    return tensor;
  }

  private HostBuffer buffer(long bytes) {
    HostBuffer buffer = new HostBuffer(bytes, closed -> {});
    buffers.add(buffer);
    return buffer;
  }
}
