package dev.culebra.bench.race;

import dev.culebra.optim.AdamW;

/** Settings shared by all engines. */
final class RaceRules {
  static final AdamW.Config ADAMW = AdamW.Config.DEFAULT;
  static final float LEARNING_RATE = 6e-4f;

  private RaceRules() {}
}
