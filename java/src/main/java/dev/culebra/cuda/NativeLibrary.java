package dev.culebra.cuda;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;

/** A shared library from NVIDIA whose functions return a status, 0 for success. */
final class NativeLibrary {
  private final String name;
  private final SymbolLookup symbols;

  private NativeLibrary(String name, SymbolLookup symbols) {
    this.name = name;
    this.symbols = symbols;
  }

  /**
   * Loads a library until the JVM ends: a driver cannot be unloaded safely.
   *
   * @param nameOrPath as for {@code dlopen}
   * @throws IllegalArgumentException if it cannot be loaded
   */
  static NativeLibrary load(String nameOrPath) {
    return new NativeLibrary(nameOrPath, SymbolLookup.libraryLookup(nameOrPath, Arena.global()));
  }

  /** The name or path it was loaded with. */
  String name() {
    return name;
  }

  /** A function that returns an int. */
  MethodHandle function(String function, MemoryLayout... parameters) {
    return Linker.nativeLinker()
        .downcallHandle(
            symbols
                .find(function)
                .orElseThrow(
                    () ->
                        new CudaUnavailableException(
                            "%s has no %s: it is too old".formatted(name, function))),
            FunctionDescriptor.of(JAVA_INT, parameters));
  }

  /** A call through a {@link MethodHandle}. */
  @FunctionalInterface
  interface Call {
    int invoke() throws Throwable;
  }

  /** Calls and returns the status. */
  static int status(Call call) {
    try {
      return call.invoke();
    } catch (RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new IllegalStateException(e);
    }
  }
}
