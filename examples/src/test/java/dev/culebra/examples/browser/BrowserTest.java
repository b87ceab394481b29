package dev.culebra.examples.browser;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Executables named chromium that are not usable browsers. */
class BrowserTest {
  @TempDir Path folder;

  private void program(String name, String content) throws Exception {
    Path file = Files.writeString(folder.resolve(name), content);
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
  }

  private void assertNone(String message) {
    assertThatThrownBy(() -> Browser.start(folder.toString(), folder))
        .isInstanceOf(Browser.NoBrowserException.class)
        .hasMessageMatching(message);
  }

  @Test
  void aMissingBrowserIsReported() throws Exception {
    Files.createDirectory(folder.resolve("chromium")); // a directory can also be executable
    assertNone("no Chromium here");
  }

  @Test
  void browsersThatDoNotStartAreNamedWithReasons() throws Exception {
    program("chromium", "#!/bin/sh\necho please install the snap\nexit 10\n");
    program("google-chrome", "#!/no/such/shell\n");
    assertNone(
        ".*/chromium does not start: its output: please install the snap;"
            + " .*/google-chrome does not start: .*");
  }
}
