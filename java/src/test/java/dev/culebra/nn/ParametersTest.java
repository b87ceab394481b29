package dev.culebra.nn;

import static org.assertj.core.api.Assertions.assertThat;

import dev.culebra.backend.Backend;
import dev.culebra.backend.cpu.CpuBackend;
import dev.culebra.random.RandomStream;
import org.junit.jupiter.api.Test;

class ParametersTest {
  private static final int SEED = 9;
  private static final int STREAM = 1;

  /** A matrix of several parts that are drawn side by side, the last one shorter. */
  @Test
  void aParameterBeginsAsOneStreamOfNormalNumbers() {
    try (Backend backend = new CpuBackend(1)) {
      Linear linear = new Linear(301, 501, false);
      try (Parameters parameters = new Parameters(backend, linear)) {
        parameters.initialize(SEED);
        Parameter weight = parameters.list().getFirst();
        float[] drawn = backend.readFloatsBlocking(weight.value());
        RandomStream stream = new RandomStream(SEED, STREAM, 0);
        float[] expected = new float[301 * 501];
        for (int i = 0; i < expected.length; i++) {
          expected[i] = weight.init().mean() + weight.init().std() * stream.nextNormal();
        }
        assertThat(drawn).isEqualTo(expected);
      }
    }
  }
}
