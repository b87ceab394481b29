package dev.culebra.bench.race;

import com.sun.management.ThreadMXBean;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * The process of one contestant. It reads a number of steps from each line of its input, runs them
 * and prints a {@link Lap}; it exits at the end of the input.
 */
final class Lane {
  private final Contestant contestant;
  private final ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();

  private Lane(Contestant contestant) {
    this.contestant = contestant;
  }

  public static void main(String[] args) throws IOException {
    Engine engine = Engine.valueOf(args[0]);
    Course course = Course.valueOf(args[1]);
    int threads = Integer.parseInt(args[2]);
    try (Contestant contestant = engine.enter(course, threads);
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in))) {
      Lane lane = new Lane(contestant);
      for (String line = in.readLine(); line != null; line = in.readLine()) {
        System.out.println(lane.run(Integer.parseInt(line)).toLine());
      }
    }
  }

  private Lap run(int steps) throws IOException {
    long[] nanos = new long[steps];
    float loss = 0;
    long allocated = threads.getTotalThreadAllocatedBytes();
    long last = System.nanoTime();
    for (int i = 0; i < steps; i++) {
      loss = contestant.step();
      long now = System.nanoTime();
      nanos[i] = now - last;
      last = now;
    }
    allocated = threads.getTotalThreadAllocatedBytes() - allocated;
    return new Lap(nanos, allocated / steps, residentPeak(), contestant.activationBytes(), loss);
  }

  /** The line {@code VmHWM: 123 kB} of the process's status. */
  private static long residentPeak() throws IOException {
    return Files.readAllLines(Path.of("/proc/self/status")).stream()
        .filter(line -> line.startsWith("VmHWM:"))
        .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) * 1024)
        .findFirst()
        .orElse(0);
  }
}
