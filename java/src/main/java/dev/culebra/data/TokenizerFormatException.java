package dev.culebra.data;

import java.io.IOException;
import java.nio.file.Path;

/** A file is no tokenizer of ours. The message is one line that names the file and the fault. */
public final class TokenizerFormatException extends IOException {
  TokenizerFormatException(Path file, String fault) {
    super(file + " is not a tokenizer: " + fault);
  }
}
