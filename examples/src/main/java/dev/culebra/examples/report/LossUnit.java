package dev.culebra.examples.report;

import dev.culebra.checkpoint.Metrics;
import dev.culebra.text.TokenizerKind;
import java.util.List;

/** What the losses of some runs are measured in. */
enum LossUnit {
  /** Runs of one kind of tokenizer. */
  TOKEN("", "nats a token"),

  /** Runs whose tokens differ: a token of GPT-2 is worth several characters. */
  BYTE(", nats a byte", "nats a byte of text, since the runs have different tokenizers"),

  /** The same where a run does not tell how many bytes a token of its text has. */
  DIFFERENT_TOKENS(
      ", nats a token", "nats a token; the runs have different tokenizers: these do not compare");

  private final String behindAName;
  private final String caption;

  LossUnit(String behindAName, String caption) {
    this.behindAName = behindAName;
    this.caption = caption;
  }

  /** What these runs are best compared by. */
  static LossUnit of(List<RunRecord> runs) {
    if (haveTheSameTokens(runs)) {
      return TOKEN;
    }
    return runs.stream().allMatch(run -> run.data().bytesPerToken().isPresent())
        ? BYTE
        : DIFFERENT_TOKENS;
  }

  /** Byte pairs have a vocabulary of their own: where it is another, a token has other bytes. */
  private static boolean haveTheSameTokens(List<RunRecord> runs) {
    boolean same = runs.stream().map(LossUnit::kind).distinct().count() <= 1;
    return same
        && (kind(runs.getFirst()) != TokenizerKind.BPE
            || runs.stream().map(RunRecord::data).distinct().count() == 1);
  }

  private static TokenizerKind kind(RunRecord run) {
    return run.config().data().tokenizer().kind();
  }

  /** For the name of a figure. */
  String behindAName() {
    return behindAName;
  }

  /** For the chart. */
  String caption() {
    return caption;
  }

  /** Runs, whose losses are a token's, with losses in this unit. */
  List<RunRecord> convert(List<RunRecord> runs) {
    return this == BYTE ? runs.stream().map(LossUnit::aByte).toList() : runs;
  }

  private static RunRecord aByte(RunRecord run) {
    float bytes = (float) run.data().bytesPerToken().orElseThrow();
    return run.with(run.metrics().stream().map(line -> divided(line, bytes)).toList());
  }

  private static Metrics divided(Metrics line, float by) {
    return new Metrics(
        line.step(),
        line.loss() / by,
        line.validationLoss() == null ? null : Float.valueOf(line.validationLoss() / by),
        line.learningRate(),
        line.gradientNorm(),
        line.tokensPerSecond(),
        line.seconds(),
        line.tflops(),
        line.mfu());
  }
}
