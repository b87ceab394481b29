package dev.culebra.cuda;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.culebra.cuda.KernelIndex.ParameterType;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The layouts of tensor-core fragments in the PTX ISA, on a GPU or in the simulator, where
 * attention would be correct even with a consistently wrong layout.
 */
@Tag("cuda")
class TensorCorePrimitivesTest {
  private static final Path PTX =
      Path.of(
          System.getProperty(
              "culebra.primitives", "../native-build/target/simulator/test-ptx/primitives.ptx"));
  private static final int LANES = 32;
  private static final int INPUTS = 256;
  private static final int RESULTS = 64;

  private CudaContext context;
  private Stream stream;
  private PtxModule module;

  @BeforeEach
  void load() throws IOException {
    assumeTrue(Files.exists(PTX), () -> PTX + " was not built");
    try {
      context = new CudaContext(Cuda.open(Binding.FFM), 0);
    } catch (CudaUnavailableException e) {
      assumeTrue(false, e.getMessage());
    }
    stream = new Stream(context);
    module = new PtxModule(context, "primitives", Files.readAllBytes(PTX));
  }

  @AfterEach
  void close() {
    if (module != null) {
      module.close();
      stream.close();
      context.close();
    }
  }

  /** The results of one warp of the kernel for the numbers 0 to 255. */
  private float[] run(String entry, int flag) {
    List<ParameterType> types = List.of(ParameterType.U64, ParameterType.U64, ParameterType.U32);
    KernelFunction kernel = new KernelFunction(context, entry, module.function(entry), types);
    try (Arena arena = Arena.ofConfined();
        DeviceBuffer in = context.allocate(4 * INPUTS);
        DeviceBuffer out = context.allocate(4 * RESULTS)) {
      MemorySegment numbers = arena.allocate(JAVA_FLOAT, INPUTS);
      for (int i = 0; i < INPUTS; i++) {
        numbers.setAtIndex(JAVA_FLOAT, i, i);
      }
      MemorySegment results = arena.allocate(JAVA_FLOAT, RESULTS);
      stream.upload(in.address(), numbers);
      kernel
          .with(out.address())
          .with(in.address())
          .with(flag)
          .launch(LaunchSize.flat(1, LANES), stream);
      stream.download(results, out.address());
      stream.synchronize();
      return results.toArray(JAVA_FLOAT);
    }
  }

  /** D = A·B + C for A (16, 16), B (16, 8) and C (16, 8), one half of which is returned. */
  @ParameterizedTest
  @ValueSource(ints = {0, 1})
  void mmaIsAMatrixProduct(int half) {
    float[] d = run("mma_m16n8k16", half);
    for (int i = 0; i < 8; i++) {
      for (int column = 0; column < 8; column++) {
        int row = half * 8 + i;
        float sum = row * 8 + column;
        for (int k = 0; k < 16; k++) {
          sum += (row * 16 + k) % 7 * ((k * 8 + column) % 5);
        }
        assertThat(d[i * 8 + column]).as("[%d, %d]", row, column).isEqualTo(sum);
      }
    }
  }

  /** Lane l has row l / 4, elements 2 (l % 4) and the next, of each matrix; transposed, columns. */
  @ParameterizedTest
  @ValueSource(ints = {0, 1, 2, 3})
  void ldmatrixGivesEachLaneItsPair(int matrix) {
    float[] pairs = run("ldmatrix_x4", 2 * matrix);
    float[] transposed = run("ldmatrix_x4", 2 * matrix + 1);
    for (int lane = 0; lane < LANES; lane++) {
      for (int half = 0; half < 2; half++) {
        int row = lane / 4;
        int column = lane % 4 * 2 + half;
        int start = matrix * 64;
        assertThat(pairs[2 * lane + half]).isEqualTo(start + row * 8 + column);
        assertThat(transposed[2 * lane + half]).isEqualTo(start + column * 8 + row);
      }
    }
  }
}
