package dev.culebra.data;

import dev.culebra.text.Tokenizer;

/** What a model is trained on: a text, problems made on the fly, or questions with answers. */
public sealed interface Dataset extends AutoCloseable permits Corpus, Arithmetic, PromptPairs {
  /** The name or path it was opened by. */
  String name();

  /** One line about it, for people. */
  String describe();

  Tokenizer tokenizer();

  /** Its batches; equal seeds give equal ones. */
  Batches batches(Split split, long seed);

  /**
   * Checks that sequences of {@code context} tokens can be had.
   *
   * @throws DataException if not; one line
   */
  void requireContext(int context);

  @Override
  void close();
}
