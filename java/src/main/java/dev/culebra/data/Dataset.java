package dev.culebra.data;

import dev.culebra.text.Tokenizer;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * What a model is trained on: batches to learn from, batches to validate on, and its own way to
 * show and measure what was learned. A text, questions with answers, or data of a program's own.
 *
 * <p>The contract of an implementation:
 *
 * <ul>
 *   <li><b>Determinism.</b> It has no state that training changes. A batch follows from (seed,
 *       split, step, micro-step) alone ({@link Batches}), so a checkpoint keeps nothing of it, and
 *       a run that resumes sees the batches that it would have seen. Two datasets that are opened
 *       by the same name must be equal in this.
 *   <li><b>Threads.</b> {@link #batches} may be used by several threads at once. All else is called
 *       by one thread at a time.
 *   <li><b>Errors.</b> Whatever is wrong with the data is a {@link DataException} of one line.
 * </ul>
 */
public interface Dataset extends AutoCloseable {
  /** Batches that {@link #measure} takes where a dataset has no measure of its own. */
  int MEASURED_BATCHES = 100;

  /** The name or path it was opened by. */
  String name();

  /** One line about it, for people. */
  default String describe() {
    return name();
  }

  /** What its tokens mean; the same, or an equal one, at every call. */
  Tokenizer tokenizer();

  /** The batches of a part; equal seeds give equal ones. */
  Batches batches(Split split, long seed);

  /**
   * Checks that sequences of {@code context} tokens can be had; any can, unless a dataset says
   * otherwise.
   *
   * @throws DataException if not; one line
   */
  default void requireContext(int context) {}

  /**
   * Prepares what shows, during the training and at its end, what {@code learner} has learned.
   * Takes what memory it needs from the learner now, so that a run that does not fit fails before
   * its first step.
   */
  Showcase showcase(Learner learner);

  /**
   * Measures {@code learner} on the whole validation part, or on a fixed sample of it: the loss of
   * {@value #MEASURED_BATCHES} of its batches, unless a dataset says otherwise. Equal weights give
   * an equal result.
   *
   * @throws DataException if the learner's context does not suit this data
   */
  default Measurement measure(Learner learner) {
    requireContext(learner.context());
    return learner.loss(batches(Split.VALIDATION, 0), MEASURED_BATCHES).of(name());
  }

  /**
   * The same on all of the data, the training part included; empty where there is no such thing, as
   * of data that is made on the fly.
   *
   * @throws DataException if the learner's context does not suit this data
   */
  default Optional<Measurement> measureWhole(Learner learner) {
    return Optional.empty();
  }

  /**
   * UTF-8 bytes of a token, on average: a loss a token, divided by this, is one a byte, which
   * compares across tokenizers. Empty of what is no text, whose loss is that of answers.
   */
  default OptionalDouble bytesPerToken() {
    return OptionalDouble.empty();
  }

  /**
   * What tells it from other data, such as itself when a file of it was changed: a run goes on with
   * equal data alone. Empty where it cannot change, as of data made on the fly.
   */
  default Optional<DataChecksum> checksum() {
    return Optional.empty();
  }

  /** How a model of this data is asked; empty where it continues texts. */
  default Optional<Asking> asking() {
    return Optional.empty();
  }

  /** Frees what it holds, if anything. Closing twice is harmless. */
  @Override
  default void close() {}
}
