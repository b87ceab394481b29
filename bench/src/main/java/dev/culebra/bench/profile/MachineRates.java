package dev.culebra.bench.profile;

import dev.culebra.backend.Activation;
import dev.culebra.backend.Backend;
import dev.culebra.backend.cpu.CpuBackend;
import dev.culebra.bench.Median;
import dev.culebra.tensor.Buffer;
import dev.culebra.tensor.DType;
import dev.culebra.tensor.Shape;
import dev.culebra.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * The machine's current capability, over all threads.
 *
 * @param fmaGflops multiply-adds in registers, in GFLOP/s: the peak
 * @param gemmGflops a matrix product of 1024³, in GFLOP/s
 * @param copyGbps copying memory outside all caches, read and written bytes together, in GB/s
 */
public record MachineRates(double fmaGflops, double gemmGflops, double copyGbps) {
  private static final VectorSpecies<Float> SPECIES = FloatVector.SPECIES_PREFERRED;
  private static final int ACCUMULATORS = 12;
  private static final int FMA_ROUNDS = 4_000_000;
  private static final int GEMM_SIZE = 1024;
  private static final int COPY_ELEMENTS = 16 << 20;
  private static final int REPEATS = 5;
  private static final long READ_BYTES = 128L << 20;
  private static final long VECTOR_BYTES = SPECIES.vectorByteSize();
  private static final ByteOrder ORDER = ByteOrder.nativeOrder();

  /** Measures for about a second; each rate is the best of a few repeats. */
  public static MachineRates measure(int threads) {
    try (Backend backend = new CpuBackend(threads)) {
      return new MachineRates(fma(threads), gemm(backend), copy(threads));
    }
  }

  /** The median of each rate. */
  public static MachineRates median(List<MachineRates> all) {
    return new MachineRates(
        Median.of(all.stream().mapToDouble(MachineRates::fmaGflops).toArray()),
        Median.of(all.stream().mapToDouble(MachineRates::gemmGflops).toArray()),
        Median.of(all.stream().mapToDouble(MachineRates::copyGbps).toArray()));
  }

  /** One line of text. */
  public String describe() {
    return "FMA peak %.0f GFLOP/s, product of 1024³ %.0f GFLOP/s, copying %.1f GB/s"
        .formatted(fmaGflops, gemmGflops, copyGbps);
  }

  private static double fma(int threads) {
    double flops = 2.0 * threads * FMA_ROUNDS * ACCUMULATORS * SPECIES.length();
    return flops / best(() -> inParallel(threads, i -> multiplyAdd(FMA_ROUNDS)));
  }

  private static double gemm(Backend backend) {
    Shape square = Shape.of(GEMM_SIZE, GEMM_SIZE);
    long bytes = square.elements() * Float.BYTES;
    try (Buffer buffer = backend.allocate(3 * bytes)) {
      Tensor out = new Tensor(buffer, 0, DType.F32, square);
      Tensor in = new Tensor(buffer, bytes, DType.F32, square);
      Tensor weight = new Tensor(buffer, 2 * bytes, DType.F32, square);
      Runnable product =
          () -> backend.ops().linear().forward(out, null, in, weight, null, Activation.IDENTITY);
      return 2.0 * GEMM_SIZE * GEMM_SIZE * GEMM_SIZE / best(product);
    }
  }

  /** Each thread copies its own array. */
  private static double copy(int threads) {
    float[][] from = new float[threads][COPY_ELEMENTS];
    float[][] to = new float[threads][COPY_ELEMENTS];
    double bytes = 2.0 * Float.BYTES * COPY_ELEMENTS * threads;
    return bytes
        / best(
            () -> inParallel(threads, i -> System.arraycopy(from[i], 0, to[i], 0, COPY_ELEMENTS)));
  }

  /** Reading memory outside all caches, in GB/s; each thread reads its own part in order. */
  public static double read(int threads) {
    try (Arena arena = Arena.ofShared()) {
      MemorySegment[] parts = new MemorySegment[threads];
      Arrays.setAll(parts, i -> arena.allocate(READ_BYTES, VECTOR_BYTES).fill((byte) 1));
      float[] sums = new float[threads];
      return (double) READ_BYTES
          * threads
          / best(() -> inParallel(threads, i -> sums[i] = sum(parts[i])));
    }
  }

  /** Four streams of sums, which hide the latency of an addition. */
  private static float sum(MemorySegment part) {
    FloatVector a = FloatVector.zero(SPECIES);
    FloatVector b = a;
    FloatVector c = a;
    FloatVector d = a;
    for (long at = 0; at < part.byteSize(); at += 4 * VECTOR_BYTES) {
      a = a.add(FloatVector.fromMemorySegment(SPECIES, part, at, ORDER));
      b = b.add(FloatVector.fromMemorySegment(SPECIES, part, at + VECTOR_BYTES, ORDER));
      c = c.add(FloatVector.fromMemorySegment(SPECIES, part, at + 2 * VECTOR_BYTES, ORDER));
      d = d.add(FloatVector.fromMemorySegment(SPECIES, part, at + 3 * VECTOR_BYTES, ORDER));
    }
    return a.add(b).add(c.add(d)).lane(0);
  }

  /** Nanoseconds of the fastest repeat. */
  private static double best(Runnable work) {
    long best = Long.MAX_VALUE;
    for (int i = 0; i < REPEATS; i++) {
      long start = System.nanoTime();
      work.run();
      best = Math.min(best, System.nanoTime() - start);
    }
    return best;
  }

  @FunctionalInterface
  private interface Part {
    void run(int index);
  }

  private static void inParallel(int threads, Part part) {
    List<Thread> others = new ArrayList<>();
    for (int i = 1; i < threads; i++) {
      int index = i;
      others.add(Thread.ofPlatform().daemon().start(() -> part.run(index)));
    }
    part.run(0);
    for (Thread thread : others) {
      try {
        thread.join();
      } catch (InterruptedException e) {
        throw new IllegalStateException(e);
      }
    }
  }

  /** Twelve chains, which hide the latency of a multiply-add; the sum keeps them alive. */
  private static float multiplyAdd(int rounds) {
    FloatVector x = FloatVector.broadcast(SPECIES, 0.999f);
    FloatVector y = FloatVector.broadcast(SPECIES, 0.001f);
    FloatVector a = y;
    FloatVector b = y;
    FloatVector c = y;
    FloatVector d = y;
    FloatVector e = y;
    FloatVector f = y;
    FloatVector g = y;
    FloatVector h = y;
    FloatVector i = y;
    FloatVector j = y;
    FloatVector k = y;
    FloatVector l = y;
    for (int round = 0; round < rounds; round++) {
      a = a.fma(x, y);
      b = b.fma(x, y);
      c = c.fma(x, y);
      d = d.fma(x, y);
      e = e.fma(x, y);
      f = f.fma(x, y);
      g = g.fma(x, y);
      h = h.fma(x, y);
      i = i.fma(x, y);
      j = j.fma(x, y);
      k = k.fma(x, y);
      l = l.fma(x, y);
    }
    FloatVector left = a.add(b).add(c).add(d).add(e).add(f);
    FloatVector right = g.add(h).add(i).add(j).add(k).add(l);
    return left.add(right).lane(0);
  }
}
