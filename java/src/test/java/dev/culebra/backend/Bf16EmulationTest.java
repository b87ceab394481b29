package dev.culebra.backend;

/** The contract of the operations holds for BF16, too, and its tolerances leave room for it. */
class Bf16EmulationTest extends OpsContract {
  @Override
  protected Backend open() {
    return new Bf16EmulationBackend(1);
  }
}
