package dev.culebra.backend;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import dev.culebra.random.RandomStream;
import dev.culebra.tensor.Buffer;
import dev.culebra.tensor.DType;
import dev.culebra.tensor.Shape;
import dev.culebra.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.function.Supplier;

/**
 * One run of an {@link OpCase} on a backend. Each tensor lies between guards, NaN to whoever reads
 * them, that nobody may change; inputs may not change either.
 */
final class OpRun {
  private static final int GUARD_WORDS = 64;

  /** A NaN as a float, an impossible token as an integer. */
  private static final int GARBAGE = 0xFFC0FFEE;

  private final Backend backend;
  private final Ops ops;
  private final Buffer memory;
  private final RandomStream random;
  private final List<Slot> slots = new ArrayList<>();
  private final Map<String, Result> results = new LinkedHashMap<>();
  private long used;

  /** A tensor with its guards: {@code region} before the operation ran. */
  private record Slot(Tensor region, Tensor tensor, int[] before, boolean scratch) {}

  private record Result(Tensor tensor, Supplier<Expected> expected) {}

  private OpRun(Backend backend, Function<OpRun, Ops> ops, Buffer memory, OpCase opCase) {
    this.backend = backend;
    this.memory = memory;
    this.random = new RandomStream(2016, 0, opCase.name().hashCode());
    this.ops = ops.apply(this);
  }

  /** Runs {@code opCase} in {@code memory}, which it may overwrite from the beginning. */
  static OpRun of(OpCase opCase, Backend backend, Buffer memory) {
    return of(opCase, backend, memory, run -> backend.ops());
  }

  /** The same, with operations that know the run. */
  static OpRun of(OpCase opCase, Backend backend, Buffer memory, Function<OpRun, Ops> ops) {
    OpRun run = new OpRun(backend, ops, memory, opCase);
    opCase.body().accept(run);
    return run;
  }

  /** What the case calls. */
  Ops ops() {
    return ops;
  }

  /** Random numbers of the case. */
  RandomStream random() {
    return random;
  }

  float[] normal(int length) {
    return Numbers.normal(random, length);
  }

  /** A tensor with these elements, which the operation only reads unless it is also a result. */
  Tensor input(float[] values, int... dims) {
    int[] words = new int[values.length];
    for (int i = 0; i < values.length; i++) {
      words[i] = Float.floatToRawIntBits(values[i]);
    }
    return place(DType.F32, words, false, dims);
  }

  /** {@link #input(float[], int...)}, or null for null. */
  Tensor inputOrNull(float[] values, int... dims) {
    return values == null ? null : input(values, dims);
  }

  Tensor input(int[] values, int... dims) {
    return place(DType.I32, values, false, dims);
  }

  /** An F32 tensor full of NaN, for a result that the operation writes without reading. */
  Tensor output(int... dims) {
    return place(DType.F32, garbage(dims), false, dims);
  }

  /** The same for an I32 result. */
  Tensor tokens(int... dims) {
    return place(DType.I32, garbage(dims), false, dims);
  }

  /** An F32 tensor full of NaN that the operation may use as it likes. */
  Tensor scratch(int... dims) {
    return place(DType.F32, garbage(dims), true, dims);
  }

  /** A key for {@link #draws} of the same site. */
  RandomKey key(int site) {
    return new RandomKey(input(draws(site).state(), 4), site);
  }

  ReferenceRandom draws(int site) {
    return new ReferenceRandom(new int[] {0x12345678, 0x9ABCDEF0, 77, 3}, site);
  }

  /** States what {@code tensor} must hold once the operation has run. */
  void result(String name, Tensor tensor, Supplier<Expected> expected) {
    results.put(name, new Result(tensor, expected));
  }

  private static int[] garbage(int... dims) {
    int[] words = new int[Math.toIntExact(Shape.of(dims).elements())];
    Arrays.fill(words, GARBAGE);
    return words;
  }

  private Tensor place(DType dtype, int[] words, boolean scratch, int... dims) {
    int body = Math.ceilDiv(words.length, GUARD_WORDS) * GUARD_WORDS;
    int[] before = garbage(GUARD_WORDS + body + GUARD_WORDS);
    System.arraycopy(words, 0, before, GUARD_WORDS, words.length);
    Tensor region = new Tensor(memory, used, DType.I32, Shape.of(before.length));
    backend.upload(region, before);
    Tensor tensor = new Tensor(memory, used + 4L * GUARD_WORDS, dtype, Shape.of(dims));
    assertThat(tensor.elements()).as("elements of %s", tensor).isEqualTo(words.length);
    slots.add(new Slot(region, tensor, before, scratch));
    used += region.bytes();
    return tensor;
  }

  /** All memory of the run, as words. */
  int[] everything() {
    return words(new Tensor(memory, 0, DType.I32, Shape.of(Math.toIntExact(used / 4))));
  }

  private int[] words(Tensor tensor) {
    int[] words = new int[Math.toIntExact(tensor.elements())];
    backend.readBlocking(MemorySegment.ofArray(words), tensor);
    return words;
  }

  /** The results' bits by name. */
  Map<String, int[]> bits() {
    Map<String, int[]> bits = new LinkedHashMap<>();
    results.forEach((name, result) -> bits.put(name, words(result.tensor)));
    return bits;
  }

  /** Fails unless all results are as expected and nothing else has changed. */
  void verify(Precision precision) {
    Map<Tensor, Boolean> written = new IdentityHashMap<>();
    results.forEach(
        (name, result) -> {
          written.put(result.tensor, true);
          compare(name, result.tensor, result.expected.get(), precision);
        });
    for (Slot slot : slots) {
      int[] after = words(slot.region);
      int length = Math.toIntExact(slot.tensor.elements());
      if (slot.scratch || written.containsKey(slot.tensor)) {
        System.arraycopy(slot.before, GUARD_WORDS, after, GUARD_WORDS, length);
      }
      int at = Arrays.mismatch(slot.before, after);
      if (at >= 0) {
        boolean inside = at >= GUARD_WORDS && at < GUARD_WORDS + length;
        fail(
            "%s was changed at element %d, which %s",
            slot.tensor, at - GUARD_WORDS, inside ? "is an input" : "is outside the tensor");
      }
    }
  }

  private void compare(String name, Tensor tensor, Expected expected, Precision precision) {
    int[] words = words(tensor);
    assertThat(expected.values()).as(name).hasSize(words.length);
    for (int i = 0; i < words.length; i++) {
      double exact = expected.values()[i];
      double actual = tensor.dtype() == DType.I32 ? words[i] : Float.intBitsToFloat(words[i]);
      double bound = precision.bound(expected.magnitudes()[i], expected.terms());
      boolean equal = actual == (float) exact;
      if (!equal && !(Math.abs(actual - exact) <= bound)) {
        fail(
            "%s[%d] of %s is %s, not %s: off by %.3g, allowed %.3g",
            name, i, tensor.shape(), actual, exact, Math.abs(actual - exact), bound);
      }
    }
  }
}
