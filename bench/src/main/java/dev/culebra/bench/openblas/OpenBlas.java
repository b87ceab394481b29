package dev.culebra.bench.openblas;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import dev.culebra.tensor.Tensor;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** {@code cblas_sgemm} of OpenBLAS, from the natives in bytedeco's jar. One thread at a time. */
final class OpenBlas implements AutoCloseable {
  private static final String FOLDER = "/org/bytedeco/openblas/linux-x86_64/";

  /** In order: each depends on those before it. */
  private static final List<String> LIBRARIES =
      List.of("libgcc_s.so.1", "libquadmath.so.0", "libgfortran.so.5", "libopenblas.so.0");

  private static final int ROW_MAJOR = 101;

  /** Whether a matrix is transposed; the codes of CBLAS. */
  enum Form {
    PLAIN(111),
    TRANSPOSED(112);

    private final int code;

    Form(int code) {
      this.code = code;
    }
  }

  private final Arena arena = Arena.ofShared();
  private final MethodHandle sgemm;

  OpenBlas(int threads) {
    SymbolLookup library = load();
    Linker linker = Linker.nativeLinker();
    sgemm =
        linker.downcallHandle(
            library.findOrThrow("cblas_sgemm"),
            FunctionDescriptor.ofVoid(
                JAVA_INT,
                JAVA_INT,
                JAVA_INT,
                JAVA_INT,
                JAVA_INT,
                JAVA_INT,
                JAVA_FLOAT,
                ADDRESS,
                JAVA_INT,
                ADDRESS,
                JAVA_INT,
                JAVA_FLOAT,
                ADDRESS,
                JAVA_INT));
    MethodHandle setThreads =
        linker.downcallHandle(
            library.findOrThrow("openblas_set_num_threads"), FunctionDescriptor.ofVoid(JAVA_INT));
    try {
      setThreads.invokeExact(threads);
    } catch (Throwable e) {
      throw new IllegalStateException(e);
    }
  }

  private SymbolLookup load() {
    try {
      Path folder = Files.createTempDirectory("openblas");
      SymbolLookup last = null;
      for (String library : LIBRARIES) {
        Path file = folder.resolve(library);
        try (InputStream in = OpenBlas.class.getResourceAsStream(FOLDER + library)) {
          if (in != null) { // libgcc_s may come from the system
            Files.copy(in, file);
            last = SymbolLookup.libraryLookup(file, arena);
            Files.delete(file);
          }
        }
      }
      Files.delete(folder);
      return last;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * c (m, n) = op(a) (m, k) · op(b) (k, n) + beta · c, all row-major without gaps.
   *
   * @param beta 0 or 1
   */
  void sgemm(
      Form formA, Form formB, int m, int n, int k, Tensor a, Tensor b, float beta, Tensor c) {
    try {
      sgemm.invokeExact(
          ROW_MAJOR,
          formA.code,
          formB.code,
          m,
          n,
          k,
          1f,
          MemorySegment.ofAddress(a.address()),
          formA == Form.PLAIN ? k : m,
          MemorySegment.ofAddress(b.address()),
          formB == Form.PLAIN ? n : k,
          beta,
          MemorySegment.ofAddress(c.address()),
          n);
    } catch (Throwable e) {
      throw new IllegalStateException(e);
    }
  }

  @Override
  public void close() {
    arena.close();
  }
}
