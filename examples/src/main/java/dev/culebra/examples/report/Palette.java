package dev.culebra.examples.report;

/** The colours of runs: the style sheet has so many, and after the last the first comes again. */
final class Palette {
  static final int COLOURS = 8;

  private Palette() {}
}
