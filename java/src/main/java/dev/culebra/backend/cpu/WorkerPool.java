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
 * 1 threads of its own. They wait awake for some microseconds after each loop, since the next one
 * usually follows at once, and then park. Running a loop allocates nothing. One thread drives a
 * pool at a time, and a task must not run another loop of the same pool.
 *
 * <p>Threads claim runs of consecutive parts, long ones first, as they become free. Which thread
 * runs which part is left to chance; an operation whose result must not depend on the number of
 * threads cuts its work by shape alone and lets each part write its own output.
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

  /** Busy waiting, about 20 µs: more than the gap between two loops of a training step. */
  private static final int SPINS = 1000;

  /** Waits after that which let another thread have the processor; then the thread parks. */
  private static final int YIELDS = 20;

  private final Worker[] workers;
  private final int spins;
  private final List<ScratchMemory> scratch = new ArrayList<>();

  /**
   * The loop's number in the upper half, the parts nobody has claimed yet in the lower. While parts
   * remain, {@link #task} and {@link #count} belong to that number, so a claim by compare-and-set
   * cannot mix two loops up.
   */
  private final AtomicLong unclaimed = new AtomicLong();

  private final AtomicInteger unfinished = new AtomicInteger();
  private final AtomicReference<Throwable> failure = new AtomicReference<>();
  private Task task;
  private int count;
  private volatile Thread parkedCaller;
  private volatile boolean closed;

  /**
   * A pool of {@code threads}, the caller included.
   *
   * @throws IllegalArgumentException if {@code threads} is below 1
   */
  WorkerPool(int threads) {
    if (threads < 1) {
      throw new IllegalArgumentException("threads must be at least 1, not " + threads);
    }
    // On too few processors a thread that spins keeps the one it waits for from running.
    spins = threads <= Runtime.getRuntime().availableProcessors() ? SPINS : 0;
    workers = new Worker[threads - 1];
    for (int i = 0; i < workers.length; i++) {
      workers[i] = new Worker(i + 1);
      workers[i].start();
    }
  }

  /** Number of threads, the caller included. */
  int threads() {
    return workers.length + 1;
  }

  /**
   * Within a task: a number of the running thread, from 0 to {@link #threads} − 1, that no other
   * thread of the loop has: for scratch memory.
   */
  int slot() {
    return Thread.currentThread() instanceof Worker worker && worker.pool() == this
        ? worker.slot
        : 0;
  }

  /** Memory for an operation on this pool, freed when the pool is closed. */
  ScratchMemory scratch() {
    ScratchMemory memory = new ScratchMemory();
    scratch.add(memory);
    return memory;
  }

  /** The same for each thread, by its {@link #slot}. */
  ScratchMemory[] scratchOfEach() {
    ScratchMemory[] memory = new ScratchMemory[threads()];
    Arrays.setAll(memory, slot -> scratch());
    return memory;
  }

  /** Bytes of all that {@link #scratch} gave out. */
  long scratchBytes() {
    return scratch.stream().mapToLong(ScratchMemory::size).sum();
  }

  /**
   * Runs {@code task} for 0 … count − 1 and returns when all are done. What a part throws is thrown
   * here; the parts that have not begun are then dropped, and the pool remains usable.
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
    } catch (Throwable e) { // whatever it is, the caller must neither wait for ever nor miss it
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

    /** Unparks the thread if it is parked or about to: a call to the system that spinning saves. */
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
          parked = true; // before the last look: the driver publishes work, then reads this
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
