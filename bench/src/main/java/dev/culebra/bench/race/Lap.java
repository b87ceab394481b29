package dev.culebra.bench.race;

import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;

/**
 * The output of a contestant's process after a turn: one line of JSON.
 *
 * @param nanos time of each step
 * @param heapBytes bytes allocated in the Java heap by all threads, per step
 * @param residentBytes the process's largest resident memory so far
 * @param activationBytes of the contestant, or 0
 * @param loss after the last step
 */
record Lap(long[] nanos, long heapBytes, long residentBytes, long activationBytes, float loss) {
  private static final JsonMapper JSON = new JsonMapper();

  String toLine() throws IOException {
    return JSON.writeValueAsString(this);
  }

  static Lap parse(String line) throws IOException {
    return JSON.readValue(line, Lap.class);
  }
}
