package dev.culebra.backend.cpu;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;

/**
 * Threads that share the parts of one loop at a time. The caller works too, so a pool of n has n −
 * 1 threads of its own. After each loop they spin for some microseconds, since the next one usually
 * follows immediately, and then park. Running a loop allocates nothing. One thread uses a pool at a
 * time, and a task must not run another loop of the same pool.
 *
 * <p>Threads that become free claim runs of consecutive parts, long ones first. Which thread runs
 * which part is not deterministic. To be independent of the number of threads, an operation splits
 * its work by shape only and lets each part write its own output.
 */
final class WorkerPool implements AutoCloseable {
  /**
   * A loop body: a long-lived object with its arguments in fields, so that running it allocates
   * nothing.
   */
  interface Task {
    /** Part {@code index} of the loop. */
    void run(int index);
  }

  /**
   * Iterations of spinning, about 20 µs: longer than the gap between two loops of a training step.
   */
  private static final int SPINS = 1000;

  /** Yields after spinning; then the thread parks. */
  private static final int YIELDS = 20;

  private final Worker[] workers;
  private final int spins;
  private final List<ScratchMemory> scratch = new ArrayList<>();

  /**
   * The loop's number in the upper half, the unclaimed parts in the lower. While parts remain,
   * {@link #task} and {@link #count} belong to that number, so a claim by compare-and-set cannot
   * confuse two loops.
   */
  private final AtomicLong unclaimed = new AtomicLong();

  private final AtomicInteger unfinished = new AtomicInteger();
  private final AtomicReference<Throwable> failure = new AtomicReference<>();
  private Task task;
  private int count;
  private volatile Thread parkedCaller;
  private volatile boolean closed;

  /**
   * A pool of {@code threads}, including the caller.
   *
   * @throws IllegalArgumentException if {@code threads} is below 1
   */
  WorkerPool(int threads) {
    if (threads < 1) {
      throw new IllegalArgumentException("threads must be at least 1, not " + threads);
    }
    // With too few processors, a spinning thread would keep the one it waits for from running.
    spins = threads <= Runtime.getRuntime().availableProcessors() ? SPINS : 0;
    workers = new Worker[threads - 1];
    for (int i = 0; i < workers.length; i++) {
      workers[i] = new Worker(i + 1);
      workers[i].start();
    }
  }

  /** Number of threads, including the caller. */
  int threads() {
    return workers.length + 1;
  }

  /**
   * Inside a task: the number of the running thread, from 0 to {@link #threads} − 1 and unique
   * within the loop, for choosing scratch memory.
   */
  int slot() {
    return Thread.currentThread() instanceof Worker worker && worker.pool() == this
        ? worker.slot
        : 0;
  }

  /** Scratch memory for an operation on this pool, freed when the pool is closed. */
  ScratchMemory scratch() {
    ScratchMemory memory = new ScratchMemory();
    scratch.add(memory);
    return memory;
  }

  /** Scratch memory for each thread, by its {@link #slot}. */
  ScratchMemory[] scratchOfEach() {
    ScratchMemory[] memory = new ScratchMemory[threads()];
    Arrays.setAll(memory, slot -> scratch());
    return memory;
  }

  /** Total bytes of scratch memory. */
  long scratchBytes() {
    return scratch.stream().mapToLong(ScratchMemory::size).sum();
  }

  /**
   * Runs {@code task} for 0 … count − 1 and returns when all parts are done. If a part throws, its
   * exception is rethrown here; parts that have not started are dropped, and the pool remains
   * usable.
   *
   * @throws IllegalStateException if the pool is closed
   */
  void run(Task task, int count) {
    if (closed) {
      throw new IllegalStateException("the worker pool is closed");
    }
    if (workers.length == 0 || count <= 1) {
      for (int i = 0; i < count; i++) {
        task.run(i);
      }
      return;
    }
    this.task = task;
    this.count = count;
    unfinished.set(count);
    long number = (unclaimed.get() >>> 32) + 1;
    unclaimed.set(number << 32 | count); // publishes the fields above
    int helpers = Math.min(workers.length, count - 1);
    for (int i = 0; i < helpers; i++) {
      workers[i].wake();
    }
    work();
    awaitFinished();
    this.task = null;
    throwFailure();
  }

  /** Claims and runs parts until none are left. */
  private void work() {
    long seen = unclaimed.get();
    while ((int) seen > 0) {
      Task current = task;
      int left = (int) seen;
      int first = count - left;
      int parts = Math.max(1, left / (2 * threads()));
      if (unclaimed.compareAndSet(seen, seen - parts)) {
        runParts(current, first, parts);
      }
      seen = unclaimed.get();
    }
  }

  private void runParts(Task current, int first, int parts) {
    int finished = parts;
    try {
      for (int i = first; i < first + parts; i++) {
        current.run(i);
      }
    } catch (Throwable e) { // whatever it is, the caller must see it and not wait forever
      failure.compareAndSet(null, e);
      finished += dropUnclaimed();
    }
    if (unfinished.addAndGet(-finished) == 0) {
      LockSupport.unpark(parkedCaller);
    }
  }

  private int dropUnclaimed() {
    long seen = unclaimed.get();
    while (!unclaimed.compareAndSet(seen, seen >>> 32 << 32)) {
      seen = unclaimed.get();
    }
    return (int) seen;
  }

  private void awaitFinished() {
    for (int wait = 0; unfinished.get() > 0; wait++) {
      if (wait < spins) {
        Thread.onSpinWait();
      } else if (wait < spins + YIELDS) {
        Thread.yield();
      } else {
        parkedCaller = Thread.currentThread();
        if (unfinished.get() > 0) {
          LockSupport.park(this);
        }
        parkedCaller = null;
      }
    }
  }

  private void throwFailure() {
    switch (failure.getAndSet(null)) {
      case null -> {}
      case RuntimeException e -> throw e;
      case Error e -> throw e;
      case Throwable e -> throw new IllegalStateException("a worker thread failed: " + e, e);
    }
  }

  /** Ends the threads and frees the scratch memory; no loop may be running. */
  @Override
  public void close() {
    closed = true;
    scratch.forEach(ScratchMemory::close);
    for (Worker worker : workers) {
      LockSupport.unpark(worker);
    }
  }

  /** A thread of the pool. */
  private final class Worker extends Thread {
    private final int slot;
    private volatile boolean parked;

    private Worker(int slot) {
      super("culebra-cpu-" + slot);
      this.slot = slot;
      setDaemon(true);
    }

    private WorkerPool pool() {
      return WorkerPool.this;
    }

    /** Unparks the thread if it is parked or about to be: a system call that spinning avoids. */
    private void wake() {
      if (parked) {
        LockSupport.unpark(this);
      }
    }

    @Override
    public void run() {
      while (awaitWork()) {
        work();
      }
    }

    private boolean awaitWork() {
      for (int wait = 0; (int) unclaimed.get() == 0 && !closed; wait++) {
        if (wait < spins) {
          Thread.onSpinWait();
        } else if (wait < spins + YIELDS) {
          Thread.yield();
        } else {
          parked = true; // before the last check: the caller publishes work, then reads this
          if ((int) unclaimed.get() == 0 && !closed) {
            LockSupport.park(WorkerPool.this);
          }
          parked = false;
        }
      }
      return !closed;
    }
  }
}
