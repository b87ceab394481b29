package dev.culebra.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.culebra.backend.Backend;
import dev.culebra.backend.cpu.CpuBackend;
import dev.culebra.optim.AdamW;
import org.junit.jupiter.api.Test;

class BigramTest {
  /** Text where each token follows one of two with known odds: the loss must reach its entropy. */
  @Test
  void reachesTheEntropyOfItsSource() {
    int vocab = 6;
    int[] tokens = new int[8 * 512];
    int[] targets = new int[tokens.length];
    int[] choice = ModelFixture.tokens(tokens.length, 4, 1);
    tokens[0] = 0;
    for (int i = 0; i < tokens.length; i++) {
      targets[i] = (tokens[i] + (choice[i] == 0 ? 1 : 2)) % vocab;
      if (i + 1 < tokens.length) {
        tokens[i + 1] = targets[i];
      }
    }
    double entropy = -(0.25 * Math.log(0.25) + 0.75 * Math.log(0.75));
    AdamW.Config plain = new AdamW.Config(0.9f, 0.99f, 1e-8f, 0, 0);
    try (Backend backend = new CpuBackend(2);
        Bigram model = new Bigram(vocab, backend, 1);
        AdamW optimizer = new AdamW(model.parameters(), plain)) {
      model.plan(8, 512);
      ModelFixture.load(model, tokens, targets);
      for (int step = 0; step < 200; step++) {
        model.zeroGradients();
        model.forward();
        model.backward(1);
        optimizer.step(0.1f);
      }
      assertThat((double) model.readLossBlocking()).isCloseTo(entropy, within(0.02));
    }
  }
}
