package dev.culebra.data;

import java.util.List;
import java.util.function.BooleanSupplier;
import java.util.function.IntPredicate;

/**
 * A model as seen by a {@link Dataset}, for showing or measuring what was learned. Objects returned
 * by a learner allocate their memory immediately, share the model's weights, have their own
 * activations, and see every change of the weights; the learner's owner closes them. One thread at
 * a time, and not while the model computes.
 */
public interface Learner {
  /** T, the longest training sequence. */
  int context();

  /** B, the number of sequences in a training batch. */
  int batch();

  /** Prepares to generate text. */
  Writer writer();

  /**
   * Prepares to ask it {@code questions}.
   *
   * @param questions at least one, none longer than {@code context() + 1} tokens
   * @param atOnce the most questions per batch
   */
  Exam exam(List<Question> questions, int atOnce);

  /**
   * Its loss over all {@code tokens} except the first, each predicted once from at most {@link
   * #context()} tokens before it; waits for the device.
   *
   * @throws DataException if there are fewer than two
   */
  MeanLoss loss(Tokens tokens);

  /**
   * Its loss over the counted targets in the first {@code count} steps of {@code batches}, with the
   * shape (batch(), context()); waits for the device.
   *
   * @throws DataException if no target counts
   */
  MeanLoss loss(Batches batches, int count);

  /**
   * For each question the loss of all tokens of its right answer together, in nats; waits for the
   * device.
   *
   * @param questions at least one, none longer than {@code context() + 1} tokens
   */
  double[] losses(List<Question> questions);

  /** Generates text. The methods wait for the device, token by token. */
  interface Writer {
    /**
     * Passes the likeliest continuation of {@code prompt}, up to {@code count} tokens, to {@code
     * onToken} one by one until it returns false.
     */
    void likeliest(int[] prompt, int count, IntPredicate onToken);

    /** The same, all {@code count} tokens at once. */
    default int[] likeliest(int[] prompt, int count) {
      int[] tokens = new int[count];
      int[] known = {0};
      likeliest(
          prompt,
          count,
          token -> {
            tokens[known[0]++] = token;
            return true;
          });
      return tokens;
    }

    /**
     * Like {@link #likeliest(int[], int, IntPredicate)}, but draws each token at random. With equal
     * weights the draws are always the same.
     */
    void draw(int[] prompt, int count, IntPredicate onToken);
  }

  /** Questions for a model. */
  @FunctionalInterface
  interface Exam {
    /**
     * Asks all questions; waits for the device.
     *
     * @param abandon called before each batch; true to give up
     * @return null if {@code abandon} returned true
     */
    Answers ask(BooleanSupplier abandon);
  }

  /**
   * The result of an exam.
   *
   * @param lossSum over all tokens of all answers, each predicted once, in nats
   * @param tokens number of these tokens
   * @param exact for each question whether the likeliest tokens are the right answer
   */
  record Answers(double lossSum, long tokens, boolean[] exact) {
    /** The number of questions answered exactly. */
    public int right() {
      return right(0, exact.length);
    }

    /** The same for the questions from {@code from} to before {@code end}. */
    public int right(int from, int end) {
      int right = 0;
      for (int i = from; i < end; i++) {
        right += exact[i] ? 1 : 0;
      }
      return right;
    }

    /** The mean loss of the tokens of all answers. */
    public MeanLoss loss() {
      return new MeanLoss(lossSum / tokens, tokens);
    }
  }
}
