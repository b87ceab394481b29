package dev.culebra.random;

/**
 * A sequence of random numbers on the host, identified by (seed, stream, position): for initial
 * weights, the choice of batches and generated problems. Streams of one seed are independent. A
 * stream can be reopened at any position, which is how training resumes exactly. Not thread-safe.
 */
public final class RandomStream {
  /** Numbers from one block of Philox, by {@link #nextInt()} or {@link #nextNormal()}. */
  public static final int BLOCK = 4;

  private final int[] words = new int[BLOCK];
  private final int k0;
  private final int k1;
  private final int stream;
  private final int index;
  private int block;
  private int used = BLOCK;
  private double spareNormal = Double.NaN;

  /** Position {@code index} (such as a step) of stream {@code stream} of {@code seed}. */
  public RandomStream(long seed, int stream, int index) {
    this(seed, stream, index, 0);
  }

  /** The same, past its first {@code blocks · BLOCK} numbers, which are not drawn. */
  public RandomStream(long seed, int stream, int index, int blocks) {
    this.block = blocks;
    this.k0 = (int) seed;
    this.k1 = (int) (seed >>> 32);
    this.stream = stream;
    this.index = index;
  }

  /** 32 uniform bits. */
  public int nextInt() {
    if (used == BLOCK) {
      Philox.words(words, block++, 0x52414E44, index, stream, k0, k1);
      used = 0;
    }
    return words[used++];
  }

  /** A uniform integer in [0, bound), by Lemire's multiply-shift on 64 bits (bias below 2⁻³²). */
  public long nextLong(long bound) {
    if (bound < 1) {
      throw new IllegalArgumentException("bound must be at least 1: " + bound);
    }
    long bits = ((long) nextInt() << 32) | (nextInt() & 0xFFFFFFFFL);
    return Math.unsignedMultiplyHigh(bits, bound);
  }

  /** A uniform integer in [0, bound). */
  public int nextInt(int bound) {
    return (int) nextLong(bound);
  }

  /** A uniform float in [0, 1). */
  public float nextFloat() {
    return Philox.uniform(nextInt());
  }

  /** A standard normal number (Box and Muller, 1958). */
  public float nextNormal() {
    if (!Double.isNaN(spareNormal)) {
      double spare = spareNormal;
      spareNormal = Double.NaN;
      return (float) spare;
    }
    double u = ((nextInt() & 0xFFFFFFFFL) + 1) * 0x1p-32;
    double angle = 2 * Math.PI * (nextInt() & 0xFFFFFFFFL) * 0x1p-32;
    double radius = Math.sqrt(-2 * StrictMath.log(u));
    spareNormal = radius * StrictMath.sin(angle);
    return (float) (radius * StrictMath.cos(angle));
  }
}
