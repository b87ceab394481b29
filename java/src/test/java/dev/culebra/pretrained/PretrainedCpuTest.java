package dev.culebra.pretrained;

import dev.culebra.backend.Backend;
import dev.culebra.backend.cpu.CpuBackend;

class PretrainedCpuTest extends PretrainedContract {
  @Override
  protected Backend open() {
    return new CpuBackend(2);
  }
}
