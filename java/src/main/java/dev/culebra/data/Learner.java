package dev.culebra.data;

import java.util.List;
import java.util.function.BooleanSupplier;
import java.util.function.IntPredicate;

/**
 * A model as a {@link Dataset} sees it that shows or measures what was learned. What a learner
 * hands out takes its memory at once, shares the model's weights, has activations of its own, and
 * sees every change of the weights; the learner's owner closes it all. One thread at a time, and
 * not while the model computes.
 */
public interface Learner {
  /** T, the longest sequence that is trained on. */
  int context();

  /** B, how many sequences are trained on at once. */
  int batch();

  /** Prepares to let it write. */
  Writer writer();

  /**
   * Prepares to ask it {@code questions}.
   *
   * @param questions at least one, none longer than {@code context() + 1} tokens
   * @param atOnce how many make up a batch, at most
   */
  Exam exam(List<Question> questions, int atOnce);

  /**
   * Its loss over all {@code tokens} but the first, each predicted once from at most {@link
   * #context()} tokens before it; waits for the device.
   *
   * @throws DataException if there are fewer than two
   */
  MeanLoss loss(Tokens tokens);

  /**
   * Its loss over the targets that count in the first {@code count} steps of {@code batches}, of
   * the shape (batch(), context()); waits for the device.
   *
   * @throws DataException if none counts
   */
  MeanLoss loss(Batches batches, int count);

  /**
   * For each question the loss of all tokens of its right answer together, in nats; waits for the
   * device.
   *
   * @param questions at least one, none longer than {@code context() + 1} tokens
   */
  double[] losses(List<Question> questions);

  /** Lets a model write. Both methods wait for the device, token by token. */
  interface Writer {
    /**
     * Hands the likeliest continuation of {@code prompt}, of up to {@code count} tokens, to {@code
     * onToken} token by token until that returns false.
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
     * As {@link #likeliest(int[], int, IntPredicate)}, but each token is drawn at random. With
     * equal weights the draws are the same each time.
     */
    void draw(int[] prompt, int count, IntPredicate onToken);
  }

  /** Questions to a model. */
  @FunctionalInterface
  interface Exam {
    /**
     * Asks all of them; waits for the device.
     *
     * @param abandon asked before each batch whether to give up
     * @return null if {@code abandon} said so
     */
    Answers ask(BooleanSupplier abandon);
  }

  /**
   * How an exam went.
   *
   * @param lossSum of all tokens of all answers, each predicted once, in nats
   * @param tokens how many those are
   * @param exact for each question whether the likeliest tokens are the right answer
   */
  record Answers(double lossSum, long tokens, boolean[] exact) {
    /** How many questions were answered exactly. */
    public int right() {
      return right(0, exact.length);
    }

    /** The same of the questions from {@code from} to before {@code end}. */
    public int right(int from, int end) {
      int right = 0;
      for (int i = from; i < end; i++) {
        right += exact[i] ? 1 : 0;
      }
      return right;
    }

    /** Of the tokens of all answers. */
    public MeanLoss loss() {
      return new MeanLoss(lossSum / tokens, tokens);
    }
  }
}
