package dev.culebra.examples.cli;

import dev.culebra.text.Tokenizer;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;

/** {@code --special} of the commands that encode a text. */
final class SpecialTokens {
  private SpecialTokens() {}

  /**
   * Rejects the flag where it would change nothing.
   *
   * @param asked whether it was given
   * @throws ParameterException if the tokenizer has no special tokens
   */
  static void require(boolean asked, Tokenizer tokenizer, CommandSpec command) {
    if (asked && !tokenizer.hasSpecialTokens()) {
      throw new ParameterException(
          command.commandLine(),
          "--special needs a tokenizer with special tokens: %s has none".formatted(tokenizer));
    }
  }
}
