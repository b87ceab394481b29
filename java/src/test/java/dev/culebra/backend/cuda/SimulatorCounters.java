package dev.culebra.backend.cuda;

import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.culebra.cuda.Binding;
import dev.culebra.tensor.DType;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;

/** The simulator's counters since {@link #reset}; a real driver has none. */
final class SimulatorCounters {
  private final SymbolLookup cuda;

  /** Skips the test on a real driver or without a driver. */
  SimulatorCounters() {
    TestGpu.open(Binding.FFM, DType.F32).close();
    cuda = SymbolLookup.libraryLookup("libcuda.so.1", Arena.global());
    assumeTrue(
        cuda.find("culebra_sim_reset_counters").isPresent(), "only the simulator counts its calls");
  }

  void reset() {
    command("culebra_sim_reset_counters");
  }

  long graphLaunches() {
    return count("culebra_sim_graph_launches");
  }

  long kernelLaunches() {
    return count("culebra_sim_kernel_launches");
  }

  long synchronizations() {
    return count("culebra_sim_synchronizations");
  }

  long allocations() {
    return count("culebra_sim_allocations");
  }

  long matrixProducts() {
    return count("culebra_sim_matrix_products");
  }

  long liveAllocations() {
    return count("culebra_sim_live_allocations");
  }

  /** Sets the device's memory size in bytes. */
  void setMemory(long bytes) {
    try {
      Linker.nativeLinker()
          .downcallHandle(symbol("culebra_sim_set_memory"), FunctionDescriptor.ofVoid(JAVA_LONG))
          .invokeExact(bytes);
    } catch (Throwable e) {
      throw new AssertionError(e);
    }
  }

  private long count(String function) {
    try {
      return (long)
          Linker.nativeLinker()
              .downcallHandle(symbol(function), FunctionDescriptor.of(JAVA_LONG))
              .invokeExact();
    } catch (Throwable e) {
      throw new AssertionError(function, e);
    }
  }

  private void command(String function) {
    try {
      Linker.nativeLinker()
          .downcallHandle(symbol(function), FunctionDescriptor.ofVoid())
          .invokeExact();
    } catch (Throwable e) {
      throw new AssertionError(function, e);
    }
  }

  private MemorySegment symbol(String function) {
    return cuda.find(function).orElseThrow();
  }
}
