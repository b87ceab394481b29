package dev.culebra.examples.arithmetic;

import dev.culebra.data.Corpora;
import dev.culebra.data.Dataset;
import dev.culebra.data.NamedDatasets;
import dev.culebra.data.TokenizerChoice;
import dev.culebra.optim.Optimizer;
import dev.culebra.train.TrainOptions;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/** {@link Arithmetic} by name, and how it is trained if nobody says otherwise. */
public final class Exercises implements NamedDatasets {
  /** What the command line knows by name: the user's corpora and the exercises. */
  public static Corpora corpora() {
    return Corpora.ofUser().with(new Exercises());
  }

  @Override
  public List<String> names() {
    return Arrays.stream(Arithmetic.Kind.values()).map(Arithmetic.Kind::label).toList();
  }

  @Override
  public Optional<Dataset> find(String name) {
    return Arithmetic.find(name).map(arithmetic -> arithmetic);
  }

  /**
   * What the data that {@code told} names asks for, where it is an exercise: problems have a length
   * of their own. Where no preset is named the calculator has a model that learns it.
   *
   * @throws dev.culebra.data.DataException if the name says something impossible
   */
  public static TrainOptions options(TrainOptions told) {
    return Optional.ofNullable(told.data())
        .flatMap(Arithmetic::find)
        .map(arithmetic -> options(arithmetic, told.preset() == null))
        .orElseGet(TrainOptions::new);
  }

  private static TrainOptions options(Arithmetic arithmetic, boolean anyModel) {
    TrainOptions options =
        new TrainOptions().context(arithmetic.context()).tokenizer(TokenizerChoice.CHAR).batch(128);
    return switch (arithmetic.kind()) {
      case ADDITION -> options.steps(1500);
      case CALCULATOR -> anyModel ? calculator(options) : options;
    };
  }

  /**
   * Products take many steps, which a small model makes fast, and there are so few of them that it
   * would learn them by heart but for the decay (bench/DECISIONS.md).
   */
  private static TrainOptions calculator(TrainOptions options) {
    return options
        .layers(3)
        .heads(4)
        .embd(64)
        .optimizer(Optimizer.Kind.MUON)
        .lr(4e-3f)
        .weightDecay(0.3f)
        .steps(10_000)
        .logEvery(100)
        .evalEvery(1000)
        .sampleEvery(1000)
        .saveEvery(1000);
  }
}
