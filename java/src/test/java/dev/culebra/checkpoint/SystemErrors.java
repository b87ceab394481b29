package dev.culebra.checkpoint;

import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;

/** What the system says of common errors, in its own language. */
final class SystemErrors {
  private SystemErrors() {}

  static String isADirectory() {
    try (FileChannel channel = FileChannel.open(Path.of("/"))) {
      channel.read(ByteBuffer.allocate(1));
    } catch (IOException e) {
      return e.getMessage();
    }
    throw new AssertionError("a directory was read");
  }

  static String notADirectory() throws IOException {
    try {
      Files.createDirectory(Path.of("/dev/null/below"));
    } catch (FileSystemException e) {
      return e.getReason();
    }
    throw new AssertionError("a directory was created below a file");
  }

  static String noSpace() {
    try (FileOutputStream full = new FileOutputStream("/dev/full")) {
      full.write(1);
    } catch (IOException e) {
      return e.getMessage();
    }
    throw new AssertionError("/dev/full took a byte");
  }
}
