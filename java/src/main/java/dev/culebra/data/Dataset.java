package dev.culebra.data;

import dev.culebra.text.Tokenizer;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * Data for training a model: batches for training and validation, and its own way to show and
 * measure what was learned. A text, questions with answers, or user-defined data.
 *
 * <p>The contract of an implementation:
 *
 * <ul>
 *   <li><b>Determinism.</b> It has no state that training changes. A batch depends only on (seed,
 *       split, step, micro-step) ({@link Batches}), so checkpoints store nothing about it, and a
 *       resumed run sees the same batches. Datasets opened by the same name must give the same
 *       batches.
 *   <li><b>Threads.</b> {@link #batches} may be used by several threads at once. All other methods
 *       are called by one thread at a time.
 *   <li><b>Errors.</b> Errors in the data are {@link DataException}s with one line.
 * </ul>
 */
public interface Dataset extends AutoCloseable {
  /** The number of batches in the default {@link #measure}. */
  int MEASURED_BATCHES = 100;

  /** The name or path it was opened by. */
  String name();

  /** One line of description. */
  default String describe() {
    return name();
  }

  /** The tokenizer of its tokens; the same or an equal one for every call. */
  Tokenizer tokenizer();

  /** The batches of a part; equal seeds give equal ones. */
  Batches batches(Split split, long seed);

  /**
   * Checks that sequences of {@code context} tokens are possible; by default all are.
   *
   * @throws DataException with one line, if not
   */
  default void requireContext(int context) {}

  /**
   * Prepares a showcase of what {@code learner} has learned, for use during training and at its
   * end. Takes the memory that it needs from the learner now, so that a run that does not fit fails
   * before its first step.
   */
  Showcase showcase(Learner learner);

  /**
   * Measures {@code learner} on the whole validation part or a fixed sample of it; by default, the
   * loss of {@value #MEASURED_BATCHES} of its batches. Equal weights give equal results.
   *
   * @throws DataException if the learner's context does not suit this data
   */
  default Measurement measure(Learner learner) {
    requireContext(learner.context());
    return learner.loss(batches(Split.VALIDATION, 0), MEASURED_BATCHES).of(name());
  }

  /**
   * The same on all of the data, including the training part; empty if that is impossible, as for
   * generated data.
   *
   * @throws DataException if the learner's context does not suit this data
   */
  default Optional<Measurement> measureWhole(Learner learner) {
    return Optional.empty();
  }

  /**
   * The average number of UTF-8 bytes per token. A loss per token divided by this is a loss per
   * byte, which can be compared across tokenizers. Empty for non-text data, whose loss covers
   * answers only.
   */
  default OptionalDouble bytesPerToken() {
    return OptionalDouble.empty();
  }

  /**
   * Identifies the data, so that a change of its files is noticed: a run resumes only with equal
   * data. Empty for data that cannot change, such as generated data.
   */
  default Optional<DataChecksum> checksum() {
    return Optional.empty();
  }

  /** How to ask a model of this data; empty if it continues texts. */
  default Optional<Asking> asking() {
    return Optional.empty();
  }

  /** Frees its resources, if any. Closing twice is harmless. */
  @Override
  default void close() {}
}
