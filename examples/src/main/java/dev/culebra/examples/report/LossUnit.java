package dev.culebra.examples.report;

import dev.culebra.checkpoint.Metrics;
import dev.culebra.text.TokenizerKind;
import java.util.List;

/** The unit of the losses of some runs. */
enum LossUnit {
  /** Runs with one kind of tokenizer. */
  TOKEN("", "nats per token"),

  /** Runs whose tokens differ: a GPT-2 token spans several characters. */
  BYTE(", nats per byte", "nats per byte of text, since the runs have different tokenizers"),

  /** The same, if a run does not record its bytes per token. */
  DIFFERENT_TOKENS(
      ", nats per token",
      "nats per token; not comparable, since the runs have different tokenizers");

  private final String behindAName;
  private final String caption;

  LossUnit(String behindAName, String caption) {
    this.behindAName = behindAName;
    this.caption = caption;
  }

  /** The best unit for comparing these runs. */
  static LossUnit of(List<RunRecord> runs) {
    if (haveTheSameTokens(runs)) {
      return TOKEN;
    }
    return runs.stream().allMatch(run -> run.data().bytesPerToken().isPresent())
        ? BYTE
        : DIFFERENT_TOKENS;
  }

  /** Byte-pair tokenizers differ if their vocabularies differ: a token then spans other bytes. */
  private static boolean haveTheSameTokens(List<RunRecord> runs) {
    boolean same = runs.stream().map(LossUnit::kind).distinct().count() <= 1;
    return same
        && (kind(runs.getFirst()) != TokenizerKind.BPE
            || runs.stream().map(RunRecord::data).distinct().count() == 1);
  }

  private static TokenizerKind kind(RunRecord run) {
    return run.config().data().tokenizer().kind();
  }

  /** Suffix for the name of a figure. */
  String behindAName() {
    return behindAName;
  }

  /** Caption of the chart. */
  String caption() {
    return caption;
  }

  /** Converts the losses of runs from nats per token to this unit. */
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
