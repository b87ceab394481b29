package dev.culebra.bench.gpu;

import dev.culebra.bench.Median;

/** The cost of a call that submits work to the GPU, as seen by the host. */
final class HostClock {
  private static final int REPEATS = 7;
  private static final int CALLS = 2000;

  private HostClock() {}

  /** Microseconds from one call to the next over many calls, including their work. */
  static double microsOfACall(Runnable synchronize, Runnable call) {
    double[] micros = new double[REPEATS];
    for (int i = 0; i < REPEATS; i++) {
      synchronize.run();
      long start = System.nanoTime();
      for (int n = 0; n < CALLS; n++) {
        call.run();
      }
      synchronize.run();
      micros[i] = 1e-3 * (System.nanoTime() - start) / CALLS;
    }
    return Median.of(micros);
  }
}
