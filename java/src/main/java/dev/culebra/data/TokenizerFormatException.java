package dev.culebra.data;

import java.io.IOException;
import java.nio.file.Path;

/**
 * A file is not a supported tokenizer. The message is one line that names the file and the fault.
 */
public final class TokenizerFormatException extends IOException {
  TokenizerFormatException(Path file, String fault) {
    super(file + " is not a tokenizer: " + fault);
  }
}
