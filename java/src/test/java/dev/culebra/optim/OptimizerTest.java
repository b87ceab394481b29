package dev.culebra.optim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.culebra.backend.Backend;
import dev.culebra.backend.cpu.CpuBackend;
import dev.culebra.nn.Bigram;
import dev.culebra.nn.Parameter;
import dev.culebra.tensor.Shape;
import dev.culebra.tensor.Tensor;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class OptimizerTest {
  private final Backend backend = new CpuBackend(1);
  private final Bigram model = new Bigram(5, backend, 1);

  @AfterEach
  void close() {
    model.close();
    backend.close();
  }

  @Test
  void aStateIsDistinguishedFromAWeightByItsName() {
    Parameter table = model.parameters().list().getFirst();
    Tensor tensor = table.value();

    assertThat(Optimizer.isState(table.name())).isFalse();
    for (String name : new String[] {"optimizer.mine.wte.weight", "adamw.m.a", "muon.m.a"}) {
      assertThat(new Optimizer.State(name, table, tensor).name()).isEqualTo(name);
      assertThat(Optimizer.isState(name)).isTrue();
    }
    assertThatThrownBy(() -> new Optimizer.State("mine.wte.weight", table, tensor))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("the name of an optimizer's state must begin with optimizer.: mine.wte.weight");
  }

  @Test
  void aStateHasTheShapeOfItsParameter() {
    Parameter table = model.parameters().list().getFirst();

    assertThatThrownBy(
            () -> new Optimizer.State("optimizer.a", table, table.value().slice(0, Shape.of(5))))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("optimizer.a is F32 (5), not F32 (5, 5)");
  }
}
