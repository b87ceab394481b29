package dev.culebra.backend.cpu;

import dev.culebra.backend.Backend;
import dev.culebra.backend.OpsContract;
import org.junit.jupiter.api.Nested;

/** The operations of the CPU backend with different numbers of threads. */
class CpuOpsTest {

  @Nested
  class OnOneThread extends OpsContract {
    @Override
    protected Backend open() {
      return new CpuBackend(1);
    }
  }

  @Nested
  class OnTwoThreads extends OnSeveralThreads {
    OnTwoThreads() {
      super(2);
    }
  }

  @Nested
  class OnFiveThreads extends OnSeveralThreads {
    OnFiveThreads() {
      super(5);
    }
  }

  /** Also equal to one thread, to the bit. */
  abstract static class OnSeveralThreads extends OpsContract {
    private final int threads;

    OnSeveralThreads(int threads) {
      this.threads = threads;
    }

    @Override
    protected Backend open() {
      return new CpuBackend(threads);
    }

    @Override
    protected Backend openSecond(Backend backend) {
      return new CpuBackend(1);
    }
  }
}
