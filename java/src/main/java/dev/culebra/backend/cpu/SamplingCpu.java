package dev.culebra.backend.cpu;

import static dev.culebra.backend.cpu.RawMemory.ALL;
import static dev.culebra.backend.cpu.RawMemory.safe;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import dev.culebra.backend.OpContext;
import dev.culebra.backend.RandomKey;
import dev.culebra.backend.SamplingOp;
import dev.culebra.backend.SamplingSpec;
import dev.culebra.tensor.Tensor;

/**
 * Draws a token from each row of logits. Probabilities are never divided by their sum; the draw is
 * multiplied by it instead. Sums are in double precision, in order of index. Allocates nothing once
 * it has seen the largest vocabulary. One thread at a time.
 */
final class SamplingCpu extends SamplingOp {
  /** The word of a random state with the number of the draw. */
  private static final int DRAW = 2;

  private final WorkerPool pool;
  private final RowKernel kernels;
  private final WorkerPool.Task sampleRow = this::sampleRow;
  private final Workspace[] workspaces;
  private final Draws draws = new Draws();
  private long tokens;
  private long logits;
  private int columns;
  private int vocab;
  private SamplingSpec spec;

  /** The memory that one thread needs for a row. */
  private static final class Workspace {
    final ScratchMemory weights;
    final TokenRanking ranking = new TokenRanking();
    final int[] words = new int[4];

    Workspace(ScratchMemory weights) {
      this.weights = weights;
    }
  }

  SamplingCpu(OpContext context, WorkerPool pool, CpuKernels kernels) {
    super(context);
    this.pool = pool;
    this.kernels = kernels.rows();
    workspaces = new Workspace[pool.threads()];
    for (int i = 0; i < workspaces.length; i++) {
      workspaces[i] = new Workspace(pool.scratch());
    }
  }

  @Override
  protected void runAdvance(
      Tensor history, Tensor token, Tensor position, RandomKey key, Tensor drawn) {
    int draw = key.state().getInt(DRAW);
    int next = drawn.getInt(0);
    history.setInt(Integer.remainderUnsigned(draw, history.shape().dim(0)), next);
    token.setInt(0, next);
    position.setInt(0, position.getInt(0) + 1);
    key.state().setInt(DRAW, draw + 1);
  }

  @Override
  protected void runSample(
      Tensor tokens, Tensor logits, int vocab, SamplingSpec spec, RandomKey key) {
    this.tokens = RawMemory.address(tokens);
    this.logits = RawMemory.address(logits);
    this.columns = logits.shape().dim(-1);
    this.vocab = vocab;
    this.spec = spec;
    draws.set(key);
    pool.run(sampleRow, logits.shape().rows());
  }

  private void sampleRow(int row) {
    long from = logits + 4L * columns * row;
    float max = kernels.max(from, vocab);
    int token = spec.temperature() == 0 ? firstEqual(from, max) : draw(from, max, row);
    ALL.set(JAVA_INT, safe(tokens + 4L * row), token);
  }

  private int firstEqual(long from, float value) {
    for (int j = 0; j < vocab; j++) {
      if (get(from, j) == value) {
        return j;
      }
    }
    return 0; // the largest is NaN
  }

  private int draw(long from, float max, int row) {
    Workspace workspace = workspaces[pool.slot()];
    long weights = workspace.weights.floats(vocab);
    float slope = Math.min(1 / spec.temperature(), Float.MAX_VALUE);
    kernels.exp(weights, from, max, slope, vocab);
    boolean all = spec.topP() == 1 && (spec.topK() == 0 || spec.topK() >= vocab);
    long least = all ? Long.MIN_VALUE : leastEligible(workspace.ranking, from, weights);
    return choose(from, weights, least, draws.uniform(row, workspace.words));
  }

  /** The rank of the least likely token that remains after top-k and top-p. */
  private long leastEligible(TokenRanking ranking, long from, long weights) {
    ranking.set(from, vocab);
    int eligible = spec.topK() == 0 ? vocab : Math.min(spec.topK(), vocab);
    if (spec.topP() == 1) {
      return ranking.rank(eligible - 1);
    }
    double wanted = spec.topP() * sum(ranking, weights, eligible);
    double sum = 0;
    int nucleus = 0;
    do {
      sum += get(weights, TokenRanking.token(ranking.rank(nucleus++)));
    } while (nucleus < eligible && sum < wanted);
    return ranking.rank(nucleus - 1);
  }

  /** Sum of the weights of the {@code eligible} most likely tokens. */
  private double sum(TokenRanking ranking, long weights, int eligible) {
    double sum = 0;
    for (int i = 0; i < eligible; i++) {
      sum += get(weights, eligible == vocab ? i : TokenRanking.token(ranking.rank(i)));
    }
    return sum;
  }

  private int choose(long from, long weights, long least, float draw) {
    double total = 0;
    for (int j = 0; j < vocab; j++) {
      if (TokenRanking.rank(get(from, j), j) >= least) {
        total += get(weights, j);
      }
    }
    double sum = 0;
    int last = 0;
    for (int j = 0; j < vocab; j++) {
      float weight = get(weights, j);
      if (weight > 0 && TokenRanking.rank(get(from, j), j) >= least) {
        sum += weight;
        last = j;
        if (sum > draw * total) {
          return j;
        }
      }
    }
    return last;
  }

  private static float get(long base, int i) {
    return ALL.get(JAVA_FLOAT, safe(base + 4L * i));
  }
}
