package dev.culebra.backend;

/**
 * {@link Ops#headsForward} and its backward pass in double precision, directly from the formulas:
 * one head at a time, with each angle computed when needed.
 *
 * @param t tokens of a sequence
 * @param d size D of a head
 * @param offset position of the first token
 * @param queryScale (D), or null
 * @param keyScale (D), or null
 */
public record ReferenceHeads(
    HeadsSpec spec, int t, int d, int offset, double[] queryScale, double[] keyScale) {
  /** Without scales. */
  public ReferenceHeads(HeadsSpec spec, int t, int d, int offset) {
    this(spec, t, d, offset, null, null);
  }

  /** Gradients of the input and of the scales, null where there are none. */
  public record Gradients(double[] in, double[] queryScale, double[] keyScale) {}

  /** in (rows, heads + 2 kvHeads, D) → qkv (rows, 3 heads, D). */
  public double[] forward(double[] in) {
    int rows = in.length / (spec.projected() * d);
    double[] qkv = new double[rows * 3 * spec.heads() * d];
    for (int r = 0; r < rows; r++) {
      for (int slot = 0; slot < 3 * spec.heads(); slot++) {
        double[] head = head(in, r * spec.projected() + source(slot));
        if (!isValue(slot)) {
          head = turned(scaled(normalised(head), slot), r, 1);
        }
        System.arraycopy(head, 0, qkv, (r * 3 * spec.heads() + slot) * d, d);
      }
    }
    return qkv;
  }

  /** Gradients of {@code in} and the scales. */
  public Gradients backward(double[] dQkv, double[] in) {
    int rows = in.length / (spec.projected() * d);
    double[] dIn = new double[in.length];
    double[] dQueryScale = queryScale == null ? null : new double[d];
    double[] dKeyScale = keyScale == null ? null : new double[d];
    for (int r = 0; r < rows; r++) {
      for (int slot = 0; slot < 3 * spec.heads(); slot++) {
        int from = r * spec.projected() + source(slot);
        double[] gradient = head(dQkv, r * 3 * spec.heads() + slot);
        if (!isValue(slot)) {
          double[] turned = turned(gradient, r, -1);
          double[] normalised = normalised(head(in, from));
          double[] dScale = slot < spec.heads() ? dQueryScale : dKeyScale;
          for (int i = 0; dScale != null && i < d; i++) {
            dScale[i] += turned[i] * normalised[i];
          }
          gradient = normalisedBackward(scaled(turned, slot), head(in, from));
        }
        for (int i = 0; i < d; i++) {
          dIn[from * d + i] += gradient[i];
        }
      }
    }
    return new Gradients(dIn, dQueryScale, dKeyScale);
  }

  /** A query or key times its scale. */
  private double[] scaled(double[] x, int slot) {
    double[] scale = slot < spec.heads() ? queryScale : keyScale;
    return scale == null
        ? x
        : java.util.stream.IntStream.range(0, d).mapToDouble(i -> x[i] * scale[i]).toArray();
  }

  private boolean isValue(int slot) {
    return slot >= 2 * spec.heads();
  }

  /** The head of a row of {@code in} that head {@code slot} of qkv comes from. */
  private int source(int slot) {
    int heads = spec.heads();
    if (slot < heads) {
      return slot;
    }
    int shared = slot % heads / (heads / spec.kvHeads());
    return heads + (isValue(slot) ? spec.kvHeads() : 0) + shared;
  }

  private double[] head(double[] heads, int index) {
    return java.util.Arrays.copyOfRange(heads, index * d, (index + 1) * d);
  }

  private double[] normalised(double[] x) {
    if (!spec.normalised()) {
      return x;
    }
    double rms = rootMeanSquare(x);
    return java.util.Arrays.stream(x).map(v -> v / rms).toArray();
  }

  private double rootMeanSquare(double[] x) {
    double square = 0;
    for (double v : x) {
      square += v * v / x.length;
    }
    return Math.sqrt(square + spec.epsilon());
  }

  private double[] normalisedBackward(double[] dOut, double[] x) {
    if (!spec.normalised()) {
      return dOut;
    }
    double rms = rootMeanSquare(x);
    double dot = 0;
    for (int i = 0; i < d; i++) {
      dot += dOut[i] * x[i] / d;
    }
    double[] dx = new double[d];
    for (int i = 0; i < d; i++) {
      dx[i] = dOut[i] / rms - x[i] * dot / (rms * rms * rms);
    }
    return dx;
  }

  private double[] turned(double[] x, int row, int direction) {
    if (!spec.rotary()) {
      return x;
    }
    double[] out = new double[d];
    for (int i = 0; i < d / 2; i++) {
      double angle = direction * angle(row, i);
      out[i] = x[i] * Math.cos(angle) - x[i + d / 2] * Math.sin(angle);
      out[i + d / 2] = x[i + d / 2] * Math.cos(angle) + x[i] * Math.sin(angle);
    }
    return out;
  }

  private double angle(int row, int pair) {
    double theta = spec.rotation().theta();
    double frequency = Math.exp(-2.0 * pair / d * Math.log(theta));
    return (offset + row % t) * rescaled(frequency);
  }

  /** As {@code _compute_llama3_parameters} of transformers has it, by wavelengths. */
  private double rescaled(double frequency) {
    RopeScaling scaling = spec.rotation().scaling();
    double low = scaling.lowFrequencyFactor();
    double high = scaling.highFrequencyFactor();
    double wavelength = 2 * Math.PI / frequency;
    if (wavelength < scaling.originalContext() / high) {
      return frequency;
    }
    if (wavelength > scaling.originalContext() / low) {
      return frequency / scaling.factor();
    }
    double smooth = (scaling.originalContext() / wavelength - low) / (high - low);
    return (1 - smooth) * frequency / scaling.factor() + smooth * frequency;
  }
}
