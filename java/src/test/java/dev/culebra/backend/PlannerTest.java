package dev.culebra.backend;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.culebra.backend.cpu.CpuBackend;
import dev.culebra.tensor.Buffer;
import dev.culebra.tensor.DType;
import dev.culebra.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class PlannerTest {
  /** What every plan keeps first. */
  private static final long RANDOM_STATE = 256;

  private final Backend backend = new CpuBackend(1);

  @AfterEach
  void close() {
    assertThat(backend.memory().liveBuffers()).isZero();
    backend.close();
  }

  /** Byte offsets of the tensors of a layout that adds each to its list. */
  private List<Long> offsets(boolean training, Layout layout) {
    List<Long> offsets = new ArrayList<>();
    Consumer<Planner> plan =
        planner -> {
          List<Tensor> tensors = new ArrayList<>();
          layout.place(planner, tensors);
          offsets.clear();
          tensors.forEach(tensor -> offsets.add(tensor.address()));
        };
    try (Buffer buffer = Planner.plan(backend, training, plan)) {
      return offsets.stream().map(address -> address - buffer.address() - RANDOM_STATE).toList();
    }
  }

  private interface Layout {
    void place(Planner planner, List<Tensor> tensors);
  }

  @Test
  void keptTensorsComeFirstAndAreAligned() {
    List<Long> offsets =
        offsets(
            true,
            (planner, tensors) -> {
              tensors.add(planner.keep(DType.F32, 3));
              tensors.add(planner.scratch(DType.F32, 1));
              tensors.add(planner.keep(DType.BF16, 129));
              tensors.add(planner.keep(DType.I32, 1));
            });
    assertThat(offsets).containsExactly(0L, 1024L, 256L, 768L);
  }

  @Test
  void releasedScratchIsReused() {
    List<Long> offsets =
        offsets(
            true,
            (planner, tensors) -> {
              tensors.add(planner.scratch(DType.F32, 64));
              tensors.add(planner.scratch(DType.F32, 64));
              planner.releaseScratch();
              tensors.add(planner.scratch(DType.F32, 65));
              tensors.add(planner.keep(DType.F32, 1));
            });
    assertThat(offsets).containsExactly(256L, 512L, 256L, 0L);
  }

  @Test
  void bufferHoldsTheLargestUseOfScratch() {
    Consumer<Planner> layout =
        planner -> {
          planner.keep(DType.F32, 1);
          planner.scratch(DType.F32, 1000);
          planner.releaseScratch();
          planner.scratch(DType.F32, 10);
        };
    try (Buffer buffer = Planner.plan(backend, true, layout)) {
      assertThat(buffer.bytes()).isEqualTo(RANDOM_STATE + 256 + 4096);
    }
  }

  @Test
  void activationsAreKeptOnlyInTraining() {
    Layout layout =
        (planner, tensors) -> {
          for (int block = 0; block < 3; block++) {
            tensors.add(planner.activation(64));
            planner.releaseScratch();
          }
        };
    assertThat(offsets(true, layout)).containsExactly(0L, 256L, 512L);
    assertThat(offsets(false, layout)).containsExactly(0L, 0L, 0L);
  }

  @Test
  void activationsHaveTheBackendsTypeAndStatisticsAreF32() {
    try (Backend halves = new Bf16EmulationBackend(1);
        Buffer buffer =
            Planner.plan(
                halves,
                true,
                planner -> {
                  assertThat(planner.activation(3).dtype()).isEqualTo(DType.BF16);
                  assertThat(planner.keepActivation(3).dtype()).isEqualTo(DType.BF16);
                  assertThat(planner.gradient(3).dtype()).isEqualTo(DType.BF16);
                  assertThat(planner.statistics(3).dtype()).isEqualTo(DType.F32);
                })) {
      assertThat(buffer.bytes()).isEqualTo(RANDOM_STATE + 4 * 256);
    }
    try (Buffer buffer =
        Planner.plan(
            backend,
            true,
            planner -> assertThat(planner.keepActivation(3).dtype()).isEqualTo(DType.F32))) {
      assertThat(buffer.bytes()).isEqualTo(RANDOM_STATE + 256);
    }
  }

  @Test
  void anEmptyLayoutWorks() {
    try (Buffer buffer = Planner.plan(backend, true, planner -> {})) {
      assertThat(buffer.bytes()).isPositive();
    }
  }

  @Test
  void memoryIsAlignedAndZero() {
    Tensor[] kept = new Tensor[1];
    try (Buffer buffer =
        Planner.plan(backend, true, planner -> kept[0] = planner.keep(DType.F32, 100))) {
      assertThat(buffer.address() % 64).isZero();
      assertThat(backend.readFloatsBlocking(kept[0])).containsOnly(0);
    }
  }

  @Test
  void measuringPassHasNoMemory() {
    assertThatThrownBy(
            () -> Planner.plan(backend, true, planner -> planner.keep(DType.F32, 1).setFloat(0, 1)))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("a tensor has no memory while the plan is measured");
  }

  @Test
  void aFailingLayoutLeaksNoBuffer() {
    int[] passes = {0};
    assertThatThrownBy(
            () ->
                Planner.plan(
                    backend,
                    true,
                    planner -> {
                      if (++passes[0] == 2) {
                        throw new IllegalArgumentException("no");
                      }
                    }))
        .isInstanceOf(IllegalArgumentException.class);
    assertThat(backend.memory().liveBuffers()).isZero();
  }
}
