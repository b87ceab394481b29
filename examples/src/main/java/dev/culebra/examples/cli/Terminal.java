package dev.culebra.examples.cli;

import java.io.Console;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/** Where standard error and standard output lead. */
final class Terminal {
  private static final int STDOUT = 1;
  private static final int STDERR = 2;
  private static final int USUAL_COLUMNS = 80;

  private Terminal() {}

  /** Whether a person sees standard error: then a progress bar may redraw its line there. */
  static boolean interactive() {
    // The launcher knows; Java itself can only tell of standard input and output together.
    String told = System.getProperty("culebra.terminal");
    return (told == null ? outputIsTerminal() : Boolean.parseBoolean(told)) && !isDumb();
  }

  private static boolean outputIsTerminal() {
    Console console = System.console();
    return console != null && console.isTerminal();
  }

  /** Whether a person sees what is said, and can answer: all streams lead to a terminal. */
  static boolean talks() {
    return interactive() && outputIsTerminal();
  }

  /** Columns of the terminal that standard output is; 0 where it is none. */
  static int columnsOfOutput() {
    return WindowSize.columns(STDOUT);
  }

  private static boolean isDumb() {
    return "dumb".equals(System.getenv("TERM"));
  }

  /** Whether to colour standard output: on a terminal, unless the environment has NO_COLOR. */
  static boolean colour() {
    String noColour = System.getenv("NO_COLOR");
    return outputIsTerminal() && !isDumb() && (noColour == null || noColour.isEmpty());
  }

  /** Columns of the terminal that standard error is, at this moment; 80 where it does not tell. */
  static int columns() {
    int columns = WindowSize.columns(STDERR);
    return columns > 0 ? columns : USUAL_COLUMNS;
  }

  /** Loaded with the first question: native calls take 50 ms to prepare. */
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

    /** 0 where {@code descriptor} is no terminal or knows no size. */
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
