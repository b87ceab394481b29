package dev.culebra.io;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.channels.ClosedByInterruptException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import org.junit.jupiter.api.Test;

class FileErrorsTest {
  @Test
  void saysTheReason() {
    assertThat(FileErrors.reason(new NoSuchFileException("/a")))
        .isEqualTo("no such file or directory: /a");
    assertThat(FileErrors.reason(new AccessDeniedException("/a")))
        .isEqualTo("permission denied: /a");
    assertThat(FileErrors.reason(new FileAlreadyExistsException("/a")))
        .isEqualTo("it already exists: /a");
    assertThat(FileErrors.reason(new NotDirectoryException("/a"))).isEqualTo("not a directory: /a");
    assertThat(FileErrors.reason(new FileSystemException("/a", null, "No space left on device")))
        .isEqualTo("No space left on device");
    assertThat(FileErrors.reason(new ClosedByInterruptException())).isEqualTo("interrupted");
    assertThat(FileErrors.reason(new IOException("Input/output error")))
        .isEqualTo("Input/output error");
    assertThat(FileErrors.reason(new IOException())).isEqualTo("IOException");
  }
}
