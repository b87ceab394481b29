package dev.culebra.backend.cpu;

import dev.culebra.backend.Backend;
import dev.culebra.backend.OpsContract;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicNode;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.TestFactory;

/** The operations of the CPU backend, on several numbers of threads. */
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

    @TestFactory
    Stream<DynamicNode> givesTheBitsOfOneThread() {
      Backend single = new CpuBackend(1);
      return givesTheBitsOf(single).onClose(single::close);
    }
  }
}
