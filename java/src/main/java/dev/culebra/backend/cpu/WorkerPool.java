package dev.culebra.backend.cpu;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;

/**
 * Threads that share the parts of one loop at a time. The caller works too, so a pool of n has n −
 * 1 threads of its own. They spin for a moment after each loop, since the next one usually follows
 * at once, and then park. Running a loop allocates nothing. One thread drives a pool at a time.
 *
 * <p>Which thread runs which part is left to chance; an operation whose result must not depend on
 * the number of threads cuts its work by shape alone and lets each part write its own output.
 */
final class WorkerPool implements AutoCloseable {
  /**
   * One loop body; a persistent object with its arguments in fields, so that running it allocates
   * nothing.
   */
  interface Task {
    /** Part {@code index} of the loop. */
    void run(int index);
  }

  private static final int SPINS = 20_000;

  private final Thread[] workers;
  private final AtomicInteger next = new AtomicInteger();
  private final AtomicInteger busy = new AtomicInteger();
  private volatile int round;
  private volatile boolean closed;
  private volatile Throwable failure;
  private Task task;
  private int count;

  WorkerPool(int threads) {
    if (threads < 1) {
      throw new IllegalArgumentException("threads must be at least 1, not " + threads);
    }
    workers = new Thread[threads - 1];
    for (int i = 0; i < workers.length; i++) {
      workers[i] =
          Thread.ofPlatform().daemon().name("culebra-cpu-" + (i + 1)).unstarted(this::work);
      workers[i].start();
    }
  }

  int threads() {
    return workers.length + 1;
  }

  /** Runs {@code task} for 0 … count − 1 and returns when all are done. */
  void run(Task task, int count) {
    if (workers.length == 0 || count == 1) {
      for (int i = 0; i < count; i++) {
        task.run(i);
      }
      return;
    }
    this.task = task;
    this.count = count;
    next.set(0);
    busy.set(workers.length);
    round++; // publishes the fields above; only the driving thread writes it
    for (Thread worker : workers) {
      LockSupport.unpark(worker);
    }
    drain();
    while (busy.get() > 0) {
      Thread.onSpinWait();
    }
    Throwable thrown = failure;
    if (thrown != null) {
      failure = null;
      throw new IllegalStateException("a worker thread failed: " + thrown, thrown);
    }
  }

  private void drain() {
    try {
      for (int i = next.getAndIncrement(); i < count; i = next.getAndIncrement()) {
        task.run(i);
      }
    } catch (Throwable e) { // must not leave the caller waiting
      next.set(Integer.MAX_VALUE / 2);
      failure = e;
    }
  }

  private void work() {
    int seen = 0;
    while (true) {
      for (int spin = 0; round == seen && !closed; spin++) {
        if (spin < SPINS) {
          Thread.onSpinWait();
        } else {
          LockSupport.park(this);
        }
      }
      if (closed) {
        return;
      }
      seen = round;
      drain();
      busy.getAndDecrement();
    }
  }

  /** Ends the threads. */
  @Override
  public void close() {
    closed = true;
    for (Thread worker : workers) {
      LockSupport.unpark(worker);
    }
  }
}
