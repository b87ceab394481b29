package dev.culebra.examples.cli;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.charset.Charset;

/**
 * The real standard error. The launcher starts the JVM with descriptor 2 connected to a filter,
 * since the JVM prints a warning about the Vector API there that no flag turns off. The real one is
 * in the descriptor given by the system property {@code culebra.stderr}. It is restored at the
 * first write, not at the start of the program, because the native call costs 50 ms.
 */
final class StandardError extends OutputStream {
  private static final int STDERR = 2;

  private final OutputStream stderr = new FileOutputStream(FileDescriptor.err);
  private final int saved;
  private boolean restored;

  private StandardError(int saved) {
    this.saved = saved;
  }

  /** Sets {@code System.err} to the real one; does nothing without the launcher. */
  static void install() {
    Integer saved = Integer.getInteger("culebra.stderr");
    if (saved != null) {
      Charset charset = Charset.forName(System.getProperty("stderr.encoding"));
      System.setErr(new PrintStream(new StandardError(saved), true, charset));
    }
  }

  @Override
  public void write(int b) throws IOException {
    write(new byte[] {(byte) b}, 0, 1);
  }

  @Override
  public synchronized void write(byte[] bytes, int offset, int length) throws IOException {
    if (!restored) {
      restored = true;
      restore();
    }
    stderr.write(bytes, offset, length);
  }

  private void restore() throws IOException {
    try {
      Linker linker = Linker.nativeLinker();
      FunctionDescriptor twoInts =
          FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.JAVA_INT);
      MethodHandle dup2 =
          linker.downcallHandle(linker.defaultLookup().findOrThrow("dup2"), twoInts);
      if ((int) dup2.invokeExact(saved, STDERR) != STDERR) {
        throw new IOException("dup2 failed");
      }
    } catch (IOException e) {
      throw e;
    } catch (Throwable e) {
      throw new IOException(e);
    }
  }
}
