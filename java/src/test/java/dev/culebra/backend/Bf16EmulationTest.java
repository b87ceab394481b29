package dev.culebra.backend;

/** The operations' contract also holds for BF16, within its tolerances. */
class Bf16EmulationTest extends OpsContract {
  @Override
  protected Backend open() {
    return new Bf16EmulationBackend(1);
  }
}
