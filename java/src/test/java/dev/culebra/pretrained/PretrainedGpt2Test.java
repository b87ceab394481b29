package dev.culebra.pretrained;

import dev.culebra.backend.Backend;
import dev.culebra.backend.cpu.CpuBackend;

class PretrainedGpt2Test extends PretrainedGpt2Contract {
  @Override
  protected Backend open() {
    return new CpuBackend(2);
  }
}
