package dev.culebra.backend.cpu;

import dev.culebra.backend.Activation;
import java.lang.foreign.MemorySegment;
import java.util.Objects;

/**
 * Inner loops over contiguous floats, with two implementations: {@code VectorRowKernel} with the
 * Vector API, {@link ScalarRowKernel} as plain loops for a JVM started without {@code --add-modules
 * jdk.incubator.vector}. Pointers are absolute addresses of floats, checked by the caller; lengths
 * are in elements. An output may be the same as an input, but must not overlap one otherwise.
 * Stateless and thread-safe.
 */
interface RowKernel {
  /** Floats of scratch memory for one thread: room for the lanes of two vectors. */
  int SCRATCH = 128;

  /** Width of the vectors in bits, 0 for plain loops. */
  int vectorBits();

  /** out = value. */
  void fill(long out, float value, int length);

  /** out = a + b. */
  void add(long out, long a, long b, int length);

  /** out = activation(in). */
  void activationForward(long out, long in, int length, Activation activation);

  /** dIn = dOut · activation′(in). */
  void activationBackward(long dIn, long dOut, long in, int length, Activation activation);

  /**
   * {@link #activationForward(long, long, int, Activation)} within two segments, offsets in bytes.
   */
  default void activationForward(
      MemorySegment out,
      long outOffset,
      MemorySegment in,
      long inOffset,
      int length,
      Activation activation) {
    Objects.checkFromIndexSize(outOffset, 4L * length, out.byteSize());
    Objects.checkFromIndexSize(inOffset, 4L * length, in.byteSize());
    if (!out.scope().isAlive() || !in.scope().isAlive()) {
      throw new IllegalStateException("the buffer of a tensor is closed");
    }
    activationForward(out.address() + outOffset, in.address() + inOffset, length, activation);
  }

  /** The largest element; NaN if one is NaN. */
  float max(long in, int length);

  /**
   * out = exp((in − shift) · slope); no element may be above {@code shift}.
   *
   * @return Σ out
   */
  float exp(long out, long in, float shift, float slope, int length);

  /** out = in · factor. */
  void multiply(long out, long in, float factor, int length);

  /** out = a · b. */
  void product(long out, long a, long b, int length);

  /** out = a · factorA + b · factorB. */
  void combine(long out, long a, float factorA, long b, float factorB, int length);

  /**
   * Rotates the pairs of floats i and half + i: (x, y) → (x cos − y sin · direction, y cos + x sin
   * · direction).
   *
   * @param direction 1, or −1 for the inverse
   */
  void rotate(long out, long in, long cos, long sin, float direction, int half);

  /** out = cap · tanh(in / cap), off by a few units in the last place of {@code cap}. */
  void softcap(long out, long in, float cap, int length);

  /** dIn = dOut · (1 − tanh²(in / cap)). */
  void softcapBackward(long dIn, long dOut, long in, float cap, int length);

  /**
   * out = the uniform numbers of the elements from {@code firstElement} on.
   *
   * @param words scratch of 4
   */
  void uniforms(long out, long firstElement, int length, Draws draws, int[] words);

  /** out = draw &lt; p ? 0 : in · scale. */
  void drop(long out, long in, long draws, float p, float scale, int length);

  /** Σ in², in double precision. */
  double sumOfSquares(long in, int length);

  /**
   * Mean and 1 / √(variance + ε) of a row.
   *
   * @param mean one float, =
   * @param rstd one float, =
   * @param scratch {@link #SCRATCH} floats
   */
  void moments(long mean, long rstd, long in, float epsilon, int length, long scratch);

  /**
   * out = (in − mean) · rstd · weight + bias.
   *
   * @param bias 0 for none
   */
  void normalise(long out, long in, float mean, float rstd, long weight, long bias, int length);

  /**
   * Backward of a row of layernorm, n = (in − mean) · rstd, d = dOut · weight:
   *
   * <pre>
   *   dIn = addend + rstd · (d − mean(d) − n · mean(d · n))
   *   dWeight += dOut · n;  dBias += dOut
   * </pre>
   *
   * @param centred whether mean(d) is subtracted, as for rows that were centred
   * @param scratch {@link #SCRATCH} floats
   */
  void layerNormBackward(
      long dIn,
      long addend,
      long dWeight,
      long dBias,
      long dOut,
      long in,
      float mean,
      float rstd,
      long weight,
      boolean centred,
      int length,
      long scratch);

  /**
   * AdamW on a stretch of parameters, with g = gradient · clip:
   *
   * <pre>
   *   m = beta1 · m + (1 − beta1) · g;  v = beta2 · v + (1 − beta2) · g²
   *   value = value · keep − rate · m / (√v · rootScale + epsilon)
   * </pre>
   *
   * @param keep 1 − learning rate · weight decay
   * @param rate learning rate / (1 − beta1ᵗ)
   * @param rootScale 1 / √(1 − beta2ᵗ)
   */
  void adamW(
      long values,
      long gradients,
      long firstMoment,
      long secondMoment,
      int length,
      float clip,
      float beta1,
      float beta2,
      float keep,
      float rate,
      float rootScale,
      float epsilon);
}
