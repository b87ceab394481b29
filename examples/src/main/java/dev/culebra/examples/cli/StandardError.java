package dev.culebra.examples.cli;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/**
 * Puts back the real standard error. The launcher starts the JVM with descriptor 2 leading to a
 * filter, since the JVM prints a warning about the Vector API there that no flag turns off, and
 * with the real one in the descriptor that the system property {@code culebra.stderr} names.
 */
final class StandardError {
  private static final int STDERR = 2;

  private StandardError() {}

  /** Does nothing where the program was not started by the launcher. */
  static void restore() {
    Integer saved = Integer.getInteger("culebra.stderr");
    if (saved == null) {
      return;
    }
    try {
      Linker linker = Linker.nativeLinker();
      FunctionDescriptor twoInts =
          FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.JAVA_INT);
      MethodHandle dup2 =
          linker.downcallHandle(linker.defaultLookup().findOrThrow("dup2"), twoInts);
      int unused = (int) dup2.invokeExact((int) saved, STDERR);
    } catch (Throwable e) {
      throw new IllegalStateException("cannot restore standard error", e);
    }
  }
}
