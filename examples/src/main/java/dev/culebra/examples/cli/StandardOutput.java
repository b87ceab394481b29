package dev.culebra.examples.cli;

import dev.culebra.io.FileErrors;
import java.io.BufferedOutputStream;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.Charset;
import java.nio.file.Files;
import java.nio.file.Path;

/** Standard output that records why a write failed, which {@link PrintStream} hides. */
final class StandardOutput extends OutputStream {
  private static final Path DESCRIPTOR = Path.of("/proc/self/fd/1");

  private final OutputStream stdout = new FileOutputStream(FileDescriptor.out);
  private IOException failure;

  private StandardOutput() {}

  /** Installs it as {@code System.out}. */
  static StandardOutput install() {
    StandardOutput output = new StandardOutput();
    Charset charset = Charset.forName(System.getProperty("stdout.encoding"));
    System.setOut(new PrintStream(new BufferedOutputStream(output), true, charset));
    return output;
  }

  @Override
  public void write(int b) throws IOException {
    write(new byte[] {(byte) b}, 0, 1);
  }

  @Override
  public synchronized void write(byte[] bytes, int offset, int length) throws IOException {
    try {
      stdout.write(bytes, offset, length);
    } catch (IOException e) {
      failure = failure == null ? e : failure;
      throw e;
    }
  }

  /**
   * The exit code of a command that would end with {@code code}: a failure, with one line on
   * standard error, if some of its output could not be written. If a reader such as {@code head}
   * has closed the pipe, that is not a failure.
   */
  synchronized int finish(int code) {
    System.out.flush();
    if (failure == null || leadsToReader()) {
      return code;
    }
    System.err.println("culebra: cannot write to standard output: " + FileErrors.reason(failure));
    return code == 0 ? Errors.FAILED : code;
  }

  /** A pipe or socket accepts everything as long as there is a reader. */
  private static boolean leadsToReader() {
    try {
      String target = Files.readSymbolicLink(DESCRIPTOR).toString();
      return target.startsWith("pipe:") || target.startsWith("socket:");
    } catch (IOException e) {
      return false;
    }
  }
}
