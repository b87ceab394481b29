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
import java.util.EnumSet;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;

/**
 * One run of an {@link OpCase} on a backend. Each tensor is surrounded by guards, which are NaN and
 * must not change; inputs must not change either.
 *
 * <p>Floats are of two kinds, by the dtype rule of {@link Ops}: {@link #input}, {@link #output} and
 * {@link #scratch} make activations and weights, of the backend's dtype; {@code single…} make
 * parameter gradients, statistics and other tensors that are always F32. The elements of an input
 * must be exact in its type, so that the reference sees the same numbers as the backend; {@link
 * #normal} and {@link #rounded} give such numbers.
 */
final class OpRun {
  private static final int GUARD_BYTES = 256;

  /** A NaN as a float and as two bfloat16, an impossible token as an integer. */
  private static final int GARBAGE = 0xFFC0FFEE;

  private final OpCase opCase;
  private final Backend backend;
  private final Buffer memory;
  private final Instead instead;
  private final RandomStream random;
  private final List<Slot> slots = new ArrayList<>();
  private final Map<String, Result> results = new LinkedHashMap<>();
  private long used;

  /** Bytes by which tensors are moved. */
  private int shift;

  /**
   * A tensor with its guards: the content of {@code region} before the operation ran, and the
   * tensor's offset in it.
   */
  private record Slot(
      Tensor region,
      int start,
      Tensor tensor,
      byte[] before,
      boolean scratch,
      Set<Freedom> freedoms) {}

  /** What else an argument may be, besides a case's choice. */
  enum Freedom {
    /** Null. */
    ABSENT,
    /** Of another type of floats. */
    FLOAT,
    /** Of another shape. */
    SHAPE,
    /** It is not an argument, but part of one. */
    PART
  }

  /** One wrong argument: the tensor that a case gets instead of the one that it placed. */
  interface Instead {
    Tensor of(OpRun run, int index, Tensor tensor);
  }

  private record Result(Tensor tensor, Supplier<Expected> expected) {}

  private OpRun(OpCase opCase, Backend backend, Buffer memory, Instead instead) {
    this.opCase = opCase;
    this.backend = backend;
    this.memory = memory;
    this.instead = instead;
    this.random = new RandomStream(2016, 0, opCase.name().hashCode());
  }

  /** Runs {@code opCase} in {@code memory}, which it may overwrite from the start. */
  static OpRun of(OpCase opCase, Backend backend, Buffer memory) {
    OpRun run = new OpRun(opCase, backend, memory, (it, index, tensor) -> tensor);
    run.call();
    return run;
  }

  /** The same with a wrong argument; it must still be {@link #call called}. */
  static OpRun with(Instead instead, OpCase opCase, Backend backend, Buffer memory) {
    return new OpRun(opCase, backend, memory, instead);
  }

  /** Places the case's tensors and calls the operation. */
  void call() {
    opCase.body().accept(this);
  }

  /** The operations to call. */
  Ops ops() {
    return backend.ops();
  }

  /** The type of activations and weights. */
  DType dtype() {
    return backend.dtype();
  }

  /** Random numbers of the case. */
  RandomStream random() {
    return random;
  }

  /** Random numbers for an {@link #input}. */
  float[] normal(int length) {
    return rounded(singleNormal(length));
  }

  /** Random numbers for a {@link #single}. */
  float[] singleNormal(int length) {
    return Numbers.normal(random, length);
  }

  /** {@code values} rounded to the backend's dtype. */
  float[] rounded(float[] values) {
    return Elements.rounded(dtype(), values);
  }

  float[] rounded(double[] values) {
    return rounded(Numbers.rounded(values));
  }

  /** A tensor with these elements, which the operation only reads unless it is also a result. */
  Tensor input(float[] values, int... dims) {
    return input(dtype(), values, dims);
  }

  /** {@link #input(float[], int...)}, or null for null. */
  Tensor inputOrNull(float[] values, int... dims) {
    return values == null ? null : input(values, dims);
  }

  /** An F32 {@link #input(float[], int...)}. */
  Tensor single(float[] values, int... dims) {
    return input(DType.F32, values, dims);
  }

  /** {@link #single}, or null for null. */
  Tensor singleOrNull(float[] values, int... dims) {
    return values == null ? null : single(values, dims);
  }

  Tensor input(DType dtype, float[] values, int... dims) {
    assertThat(values).as("numbers of an input").isEqualTo(Elements.rounded(dtype, values));
    return place(dtype, Elements.bytes(dtype, values), false, dims);
  }

  Tensor input(int[] values, int... dims) {
    return place(DType.I32, Elements.bytes(values), false, dims);
  }

  /** A tensor of NaN, for a result that the operation writes without reading. */
  Tensor output(int... dims) {
    return output(dtype(), dims);
  }

  /** The same for an F32 result. */
  Tensor singleOutput(int... dims) {
    return output(DType.F32, dims);
  }

  /** The same for an I32 result. */
  Tensor tokens(int... dims) {
    return output(DType.I32, dims);
  }

  Tensor output(DType dtype, int... dims) {
    return place(dtype, garbage(dtype, dims), false, dims);
  }

  /** A tensor of NaN that the operation may use freely. */
  Tensor scratch(int... dims) {
    return place(dtype(), garbage(dtype(), dims), true, dims);
  }

  /** The same in F32. */
  Tensor singleScratch(int... dims) {
    return place(DType.F32, garbage(DType.F32, dims), true, dims);
  }

  /** From now on, tensors are not aligned to 16 bytes. */
  void misalign() {
    shift = 8;
  }

  /** A key for {@link #draws} of the same site. */
  RandomKey key(int site) {
    return new RandomKey(free(input(draws(site).state(), 4), Freedom.PART), site);
  }

  ReferenceRandom draws(int site) {
    return new ReferenceRandom(new int[] {0x12345678, 0x9ABCDEF0, 77, 3}, site);
  }

  /** States the expected content of {@code tensor} after the operation. */
  void result(String name, Tensor tensor, Supplier<Expected> expected) {
    results.put(name, new Result(tensor, expected));
  }

  /** Marks an optional argument. */
  Tensor optional(Tensor tensor) {
    return free(tensor, Freedom.ABSENT);
  }

  /** Marks an argument that may also be something else. Null is ignored. */
  Tensor free(Tensor tensor, Freedom freedom) {
    for (Slot slot : slots) {
      if (slot.tensor == tensor) {
        slot.freedoms.add(freedom);
      }
    }
    return tensor;
  }

  /** The number of tensors placed by the case. */
  int placed() {
    return slots.size();
  }

  Tensor tensor(int index) {
    return slots.get(index).tensor;
  }

  Set<Freedom> freedoms(int index) {
    return slots.get(index).freedoms;
  }

  private static byte[] garbage(DType dtype, int... dims) {
    return garbage(Math.toIntExact(Shape.of(dims).elements() * dtype.bytes()));
  }

  private static byte[] garbage(int length) {
    int[] words = new int[Math.ceilDiv(length, Integer.BYTES)];
    Arrays.fill(words, GARBAGE);
    return Arrays.copyOf(Elements.bytes(words), length);
  }

  private Tensor place(DType dtype, byte[] bytes, boolean scratch, int... dims) {
    int start = GUARD_BYTES + shift;
    int body = Math.ceilDiv(shift + bytes.length, GUARD_BYTES) * GUARD_BYTES;
    byte[] before = garbage(GUARD_BYTES + body + GUARD_BYTES);
    System.arraycopy(bytes, 0, before, start, bytes.length);
    Tensor region = new Tensor(memory, used, DType.I32, Shape.of(before.length / Integer.BYTES));
    backend.upload(region, MemorySegment.ofArray(before));
    Tensor tensor = new Tensor(memory, used + start, dtype, Shape.of(dims));
    assertThat(tensor.bytes()).as("bytes of %s", tensor).isEqualTo(bytes.length);
    int index = slots.size();
    slots.add(new Slot(region, start, tensor, before, scratch, EnumSet.noneOf(Freedom.class)));
    used += region.bytes();
    return instead.of(this, index, tensor);
  }

  /** Whether nothing has changed since the tensors were placed. */
  boolean isUntouched() {
    return slots.stream().allMatch(slot -> Arrays.equals(slot.before, bytes(slot.region)));
  }

  private byte[] bytes(Tensor tensor) {
    byte[] bytes = new byte[Math.toIntExact(tensor.bytes())];
    backend.readBlocking(MemorySegment.ofArray(bytes), tensor);
    return bytes;
  }

  /** The current elements of {@code tensor}. */
  double[] read(Tensor tensor) {
    return Elements.values(tensor.dtype(), bytes(tensor));
  }

  /** The results' bits by name, one integer per element. */
  Map<String, int[]> bits() {
    Map<String, int[]> bits = new LinkedHashMap<>();
    results.forEach(
        (name, result) ->
            bits.put(name, Elements.bits(result.tensor.dtype(), bytes(result.tensor))));
    return bits;
  }

  /** Fails unless all results are as expected and nothing else has changed. */
  void verify() {
    Map<Tensor, Boolean> written = new IdentityHashMap<>();
    results.forEach(
        (name, result) -> {
          written.put(result.tensor, true);
          compare(name, result.tensor, result.expected.get());
        });
    for (Slot slot : slots) {
      byte[] after = bytes(slot.region);
      int length = Math.toIntExact(slot.tensor.bytes());
      if (slot.scratch || written.containsKey(slot.tensor)) {
        System.arraycopy(slot.before, slot.start, after, slot.start, length);
      }
      int at = Arrays.mismatch(slot.before, after);
      if (at >= 0) {
        boolean inside = at >= slot.start && at < slot.start + length;
        int element = Math.floorDiv(at - slot.start, slot.tensor.dtype().bytes());
        fail(
            "%s was changed at element %d, which %s",
            slot.tensor, element, inside ? "is an input" : "is outside the tensor");
      }
    }
  }

  private void compare(String name, Tensor tensor, Expected expected) {
    double[] actual = read(tensor);
    assertThat(expected.values()).as(name).hasSize(actual.length);
    for (int i = 0; i < actual.length; i++) {
      double exact = expected.values()[i];
      double bound = Precision.of(tensor.dtype()).bound(expected, i);
      boolean equal =
          Double.isNaN(exact)
              ? Double.isNaN(actual[i])
              : actual[i] == Elements.rounded(tensor.dtype(), exact);
      if (!equal && !(Math.abs(actual[i] - exact) <= bound)) {
        fail(
            "%s[%d] of %s is %s, not %s: off by %.3g, allowed %.3g",
            name, i, tensor, actual[i], exact, Math.abs(actual[i] - exact), bound);
      }
    }
  }
}
