package dev.culebra.data;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * How well a model predicts tokens that it was not trained on.
 *
 * @param loss mean over all tokens, in nats per token
 * @param tokens number of predicted tokens
 */
public record MeanLoss(double loss, long tokens) {
  /** exp(loss): the uncertainty of a choice among this many equally likely tokens. */
  public double perplexity() {
    return Math.exp(loss);
  }

  /** The mean over several parts, at least one. */
  static MeanLoss of(List<MeanLoss> parts) {
    long tokens = parts.stream().mapToLong(MeanLoss::tokens).sum();
    double sum = parts.stream().mapToDouble(part -> part.loss * part.tokens).sum();
    return new MeanLoss(sum / tokens, tokens);
  }

  /** As a measurement of the validation part of the data named {@code name}. */
  public Measurement of(String name) {
    return of(name, Measurement.VALIDATION, 0);
  }

  /**
   * As a measurement of a part of the data called {@code name}: a line, and figures.
   *
   * @param bytes of the text that the tokens are, in UTF-8; 0 if they are not text
   */
  Measurement of(String name, String part, long bytes) {
    return of(name, part, "tokens", bytes);
  }

  /**
   * The same.
   *
   * @param which tokens were predicted
   */
  Measurement of(String name, String part, String which, long bytes) {
    Map<String, Object> figures = figures();
    String perByte = "";
    if (bytes > 0) {
      double bits = bitsPerByte(bytes);
      figures.put("bytes", bytes);
      figures.put("bits_per_byte", bits);
      perByte = String.format(Locale.ROOT, ", %.4f bits per byte", bits);
    }
    String text =
        String.format(
            Locale.ROOT,
            "%s, %s, %,d %s: loss %.4f, perplexity %.2f%s%n",
            name,
            part,
            tokens,
            which,
            loss,
            perplexity(),
            perByte);
    return new Measurement(text, figures);
  }

  /**
   * The total loss in bits, divided by the bytes of the text, so that it can be compared across
   * tokenizers.
   */
  public double bitsPerByte(long bytes) {
    return loss * tokens / Math.log(2) / bytes;
  }

  /** As {@link Measurement#figures}. */
  Map<String, Object> figures() {
    Map<String, Object> figures = new LinkedHashMap<>();
    figures.put("tokens", tokens);
    figures.put("loss", loss);
    figures.put("perplexity", perplexity());
    return figures;
  }
}
