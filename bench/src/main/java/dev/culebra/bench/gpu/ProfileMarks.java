package dev.culebra.bench.gpu;

import dev.culebra.backend.OpCall;
import dev.culebra.backend.OpListener;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.Locale;

/**
 * Tells the profile build of the CUDA simulator where each operation begins and ends, so that
 * {@code native-build/profile} knows which launches it is made of.
 */
final class ProfileMarks implements OpListener {
  private static final String FUNCTION = "culebra_sim_mark";

  private final MethodHandle mark;

  /**
   * @throws IllegalStateException if the driver is not the simulator
   */
  ProfileMarks() {
    mark =
        SymbolLookup.libraryLookup("libcuda.so.1", Arena.global())
            .find(FUNCTION)
            .map(
                address ->
                    Linker.nativeLinker()
                        .downcallHandle(address, FunctionDescriptor.ofVoid(ValueLayout.ADDRESS)))
            .orElseThrow(
                () ->
                    new IllegalStateException(
                        "the driver is not the CUDA simulator: run it by native-build/profile"));
  }

  private void mark(String text) {
    try (Arena arena = Arena.ofConfined()) {
      mark.invokeExact(arena.allocateFrom(text));
    } catch (RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new IllegalStateException(e);
    }
  }

  @Override
  public void begin() {
    mark("begin");
  }

  @Override
  public void end() {}

  @Override
  public void called(OpCall call) {
    mark(
        String.format(
            Locale.ROOT,
            "end %s|%s|%.0f|%.0f",
            call.op(),
            call.shape(),
            call.flops(),
            call.bytes()));
  }
}
