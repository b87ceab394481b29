package dev.culebra.examples.cli;

import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;

/** A run directory written on 2026-11-27: 20 steps of a one-layer model on macbeth. */
final class OldRun {
  private OldRun() {}

  /** Copies it to {@code folder}, which must not exist. */
  static RunFolder copyTo(Path folder) throws IOException, URISyntaxException {
    Path kept = Path.of(OldRun.class.getResource("/runs/2026-11-27").toURI());
    try (Stream<Path> files = Files.walk(kept)) {
      for (Path file : files.toList()) {
        Files.copy(file, folder.resolve(kept.relativize(file).toString()));
      }
    }
    return new RunFolder(folder);
  }
}
