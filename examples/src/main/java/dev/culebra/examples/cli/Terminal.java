package dev.culebra.examples.cli;

import java.io.Console;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/** Where standard error and standard output go. */
final class Terminal {
  private static final int STDOUT = 1;
  private static final int STDERR = 2;
  private static final int USUAL_COLUMNS = 80;

  private Terminal() {}

  /** Whether standard error is a terminal on which a progress bar may be redrawn. */
  static boolean interactive() {
    // The launcher knows; Java itself can only check standard input and output together.
    String told = System.getProperty("culebra.terminal");
    return (told == null ? outputIsTerminal() : Boolean.parseBoolean(told)) && !isDumb();
  }

  private static boolean outputIsTerminal() {
    Console console = System.console();
    return console != null && console.isTerminal();
  }

  /** Whether a dialogue is possible: all streams are terminals. */
  static boolean talks() {
    return interactive() && outputIsTerminal();
  }

  /** Columns of standard output's terminal; 0 if it is not one. */
  static int columnsOfOutput() {
    return WindowSize.columns(STDOUT);
  }

  private static boolean isDumb() {
    return "dumb".equals(System.getenv("TERM"));
  }

  /** Whether to colour standard output: on a terminal, unless NO_COLOR is set. */
  static boolean colour() {
    String noColour = System.getenv("NO_COLOR");
    return outputIsTerminal() && !isDumb() && (noColour == null || noColour.isEmpty());
  }

  /** Current columns of standard error's terminal; 80 if unknown. */
  static int columns() {
    int columns = WindowSize.columns(STDERR);
    return columns > 0 ? columns : USUAL_COLUMNS;
  }

  /** Loaded on first use: native calls take 50 ms to prepare. */
  private static final class WindowSize {
    private static final long TIOCGWINSZ = 0x5413;
    private static final MethodHandle IOCTL = ioctl();

    private static MethodHandle ioctl() {
      Linker linker = Linker.nativeLinker();
      return linker.downcallHandle(
          linker.defaultLookup().findOrThrow("ioctl"),
          FunctionDescriptor.of(
              ValueLayout.JAVA_INT,
              ValueLayout.JAVA_INT,
              ValueLayout.JAVA_LONG,
              ValueLayout.ADDRESS),
          Linker.Option.firstVariadicArg(2));
    }

    /** 0 if {@code descriptor} is not a terminal or has no size. */
    static int columns(int descriptor) {
      try (Arena arena = Arena.ofConfined()) {
        // struct winsize { unsigned short ws_row, ws_col, ws_xpixel, ws_ypixel; }
        MemorySegment size = arena.allocate(ValueLayout.JAVA_SHORT, 4);
        int failed = (int) IOCTL.invokeExact(descriptor, TIOCGWINSZ, size);
        return failed != 0 ? 0 : Short.toUnsignedInt(size.getAtIndex(ValueLayout.JAVA_SHORT, 1));
      } catch (Throwable e) {
        throw new IllegalStateException(e);
      }
    }
  }
}
