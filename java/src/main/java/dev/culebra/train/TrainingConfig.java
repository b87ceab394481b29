package dev.culebra.train;

import static dev.culebra.options.ValueType.LONG;
import static dev.culebra.options.ValueType.NUMBER;
import static dev.culebra.options.ValueType.WHOLE;
import static dev.culebra.options.ValueType.oneOf;

import dev.culebra.optim.AdamW;
import dev.culebra.optim.LearningRate;
import dev.culebra.optim.Optimizer;
import dev.culebra.options.Option;
import dev.culebra.options.OptionException;
import dev.culebra.options.Options;
import dev.culebra.options.Range;
import java.util.List;

/** How a run trains. Each component is described by its option: {@link #BATCH} and so on. */
public record TrainingConfig(
    int batch,
    int gradAccum,
    int steps,
    Optimizer.Kind optimizer,
    float lr,
    float minLr,
    int warmup,
    LearningRate.Schedule schedule,
    float weightDecay,
    float beta1,
    float beta2,
    float clip,
    float minutes,
    int patience,
    int decayFrom,
    long seed) {

  /** No limit: as many steps as time allows. */
  public static final int ANY_STEPS = 1_000_000_000;

  /** The most sequences per micro-step, and the most micro-steps per step. */
  static final int MAX_BATCH = 1 << 20;

  private static final float EPSILON = 1e-8f;

  public static final Option<TrainingConfig, Integer> BATCH =
      Option.of("batch", WHOLE, TrainingConfig::batch)
          .help("N", "Sequences per micro-step.")
          .range(Range.between(1, MAX_BATCH))
          .otherwise(12);

  /** All counted tokens have the same weight in a step's gradient. */
  public static final Option<TrainingConfig, Integer> GRAD_ACCUM =
      Option.of("gradAccum", WHOLE, TrainingConfig::gradAccum)
          .help("N", "Micro-steps per optimizer step.")
          .range(Range.between(1, MAX_BATCH))
          .otherwise(1);

  /** For a run that ended early, by {@link #MINUTES} or {@link #PATIENCE}: the steps it took. */
  public static final Option<TrainingConfig, Integer> STEPS =
      Option.of("steps", WHOLE, TrainingConfig::steps)
          .help("N", "Optimizer steps.")
          .range(Range.atLeast(1))
          .otherwise(3000)
          .changeable();

  public static final Option<TrainingConfig, Optimizer.Kind> OPTIMIZER =
      Option.of("optimizer", oneOf(Optimizer.Kind.class), TrainingConfig::optimizer)
          .help("NAME", "muon updates the matrices of the blocks and leaves the rest to AdamW.")
          .otherwise(Optimizer.Kind.ADAMW);

  public static final Option<TrainingConfig, Float> LR =
      Option.of("lr", NUMBER, TrainingConfig::lr)
          .help("RATE", "Highest learning rate.")
          .range(Range.positive())
          .otherwise(1e-3f)
          .changeable();

  public static final Option<TrainingConfig, Float> MIN_LR =
      Option.of("minLr", NUMBER, TrainingConfig::minLr)
          .help("RATE", "Learning rate at the end.")
          .range(Range.notNegative())
          .follows("a tenth of %s", LR)
          .changeable();

  public static final Option<TrainingConfig, Integer> WARMUP =
      Option.of("warmup", WHOLE, TrainingConfig::warmup)
          .help("N", "Steps over which the learning rate rises.")
          .range(Range.atLeast(0))
          .otherwise(100)
          .follows("at most a tenth of %s", STEPS);

  public static final Option<TrainingConfig, LearningRate.Schedule> SCHEDULE =
      Option.of("schedule", oneOf(LearningRate.Schedule.class), TrainingConfig::schedule)
          .help("SHAPE", "Learning rate schedule after the warmup.")
          .otherwise(LearningRate.Schedule.COSINE);

  public static final Option<TrainingConfig, Float> WEIGHT_DECAY =
      Option.of("weightDecay", NUMBER, TrainingConfig::weightDecay)
          .help("X", "AdamW's weight decay, for matrices.")
          .range(Range.notNegative())
          .otherwise(0.1f);

  public static final Option<TrainingConfig, Float> BETA1 =
      Option.of("beta1", NUMBER, TrainingConfig::beta1)
          .help("X", "AdamW's decay of the first moment.")
          .range(Range.fraction())
          .otherwise(0.9f);

  public static final Option<TrainingConfig, Float> BETA2 =
      Option.of("beta2", NUMBER, TrainingConfig::beta2)
          .help("X", "AdamW's decay of the second moment.")
          .range(Range.fraction())
          .otherwise(0.99f);

  public static final Option<TrainingConfig, Float> CLIP =
      Option.of("clip", NUMBER, TrainingConfig::clip)
          .help("NORM", "Largest global norm of the gradient; 0: no limit.")
          .range(Range.notNegative())
          .otherwise(1f)
          .changeable();

  public static final Option<TrainingConfig, Float> MINUTES =
      Option.of("minutes", NUMBER, TrainingConfig::minutes)
          .help(
              "M",
              "End after this many minutes of training in total. The learning rate decays over this"
                  + " time; the number of steps is open unless %s is given. 0: no limit.",
              STEPS)
          .range(Range.notNegative())
          .otherwise(0f)
          .changeable();

  public static final Option<TrainingConfig, Integer> PATIENCE =
      Option.of("patience", WHOLE, TrainingConfig::patience)
          .help("N", "End after N evaluations in a row without a lower loss; 0: never.")
          .range(Range.atLeast(0))
          .otherwise(0)
          .changeable();

  public static final Option<TrainingConfig, Integer> DECAY_FROM =
      Option.of("decayFrom", WHOLE, TrainingConfig::decayFrom)
          .help("N", "The step at which the schedule, including the warmup, restarted.")
          .range(Range.atLeast(0))
          .otherwise(0)
          .internal();

  public static final Option<TrainingConfig, Long> SEED =
      Option.of("seed", LONG, TrainingConfig::seed)
          .help("N", "Seed of weights, data order, dropout and samples.")
          .otherwise(1337L);

  public static final List<Option<TrainingConfig, ?>> OPTIONS =
      List.of(
          BATCH,
          GRAD_ACCUM,
          STEPS,
          OPTIMIZER,
          LR,
          MIN_LR,
          WARMUP,
          SCHEDULE,
          WEIGHT_DECAY,
          BETA1,
          BETA2,
          CLIP,
          MINUTES,
          PATIENCE,
          DECAY_FROM,
          SEED);

  /**
   * @throws OptionException with one line that names the value, if it is invalid
   */
  public TrainingConfig {
    BATCH.require(batch);
    GRAD_ACCUM.require(gradAccum);
    STEPS.require(steps);
    OPTIMIZER.require(optimizer);
    LR.require(lr);
    MIN_LR.require(minLr);
    WARMUP.require(warmup);
    SCHEDULE.require(schedule);
    WEIGHT_DECAY.require(weightDecay);
    BETA1.require(beta1);
    BETA2.require(beta2);
    CLIP.require(clip);
    MINUTES.require(minutes);
    PATIENCE.require(patience);
    DECAY_FROM.require(decayFrom);
    if (minLr > lr) {
      throw new OptionException(
          "%s must be at most %s: %s is above %s", MIN_LR, LR, NUMBER.text(minLr), NUMBER.text(lr));
    }
    if (decayFrom > 0 && decayFrom >= steps) {
      throw new OptionException(
          "%s must be below %s: %d and %d", DECAY_FROM, STEPS, decayFrom, steps);
    }
  }

  static TrainingConfig of(Options options) {
    return new TrainingConfig(
        options.value(BATCH),
        options.value(GRAD_ACCUM),
        options.value(STEPS),
        options.value(OPTIMIZER),
        options.value(LR),
        options.value(MIN_LR),
        options.value(WARMUP),
        options.value(SCHEDULE),
        options.value(WEIGHT_DECAY),
        options.value(BETA1),
        options.value(BETA2),
        options.value(CLIP),
        options.value(MINUTES),
        options.value(PATIENCE),
        options.value(DECAY_FROM),
        options.value(SEED));
  }

  /** The fraction of the run's time that is over after {@code seconds} of training, from 0 to 1. */
  public double timeGone(double seconds) {
    return minutes == 0 ? 0 : Math.min(1, seconds / (60.0 * minutes));
  }

  /** Whether the number of steps is open, so that only time or patience ends the run. */
  public boolean endsByTimeOnly() {
    return minutes > 0 && steps == ANY_STEPS;
  }

  /** The learning rate of every step, counted from {@code decayFrom}. */
  public LearningRate learningRate() {
    return new LearningRate(schedule, lr, minLr, warmup, steps - decayFrom);
  }

  /** AdamW's part of the optimizer. */
  public AdamW.Config adamW() {
    return new AdamW.Config(beta1, beta2, EPSILON, weightDecay, clip);
  }
}
