package dev.culebra.examples.cli;

import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.culebra.data.Corpora;
import dev.culebra.data.DataException;
import dev.culebra.data.DataSpec;
import dev.culebra.data.Dataset;
import dev.culebra.data.HellaSwag;
import dev.culebra.data.Measurement;
import dev.culebra.examples.arithmetic.Exercises;
import dev.culebra.text.Tokenizer;
import dev.culebra.text.UnknownCharacterException;
import dev.culebra.train.Evaluation;
import dev.culebra.train.ModelFiles;
import dev.culebra.train.RunFiles;
import dev.culebra.train.TrainConfig;
import dev.culebra.train.TrainedModel;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code culebra eval}. */
@Command(
    name = "eval",
    header = "Measure a trained model on a whole validation part, or on a whole text.",
    description = {
      "For a text: mean loss in nats per token, perplexity, and bits per byte; each token",
      "is predicted once.",
      "For a .jsonl: the same over the completions, and how many the model writes exactly.",
      "For addition and calculator: exact answers on held-out problems, for each operation.",
      "With --hellaswag: how often the right ending is the likeliest (accuracy), and the likeliest per",
      "token (normalised)."
    },
    footer = {"", "Example: culebra eval --run runs/dickens-1 --json"})
final class EvalCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;
  @Mixin private CommonOptions common;

  @Mixin private ModelOption model;

  @Option(
      names = "--data",
      paramLabel = "NAME|PATH",
      description =
          "Other data: the last 10 %% of every file, or all of it with --whole. Default:"
              + " the run's own")
  private String data;

  @Option(
      names = "--whole",
      description =
          "Measure on all of the data instead of its validation part; the run's own data includes"
              + " what it was trained on too.")
  private boolean whole;

  @Option(
      names = "--hellaswag",
      paramLabel = "FILE",
      description =
          "Measure on HellaSwag instead: its public .jsonl, or llm.c's .bin for GPT-2's tokens.")
  private Path hellaSwag;

  @Option(
      names = "--skip-unknown",
      description = "Leave out characters of a text that the model does not know.")
  private boolean skipUnknown;

  @Option(names = "--json", description = "Print one JSON object.")
  private boolean json;

  private final DeviceFlags device = new DeviceFlags();
  @Mixin private final CommandSpec deviceFlags = device.spec();

  @Override
  public Integer call() throws IOException {
    if (hellaSwag != null && (data != null || whole || skipUnknown)) {
      throw new ParameterException(
          spec.commandLine(),
          "--hellaswag is measured instead of other data: --data, --whole and --skip-unknown do not"
              + " go with it");
    }
    try (ModelFiles files = model.open()) {
      if (data == null && hellaSwag == null && !(files instanceof RunFiles)) {
        throw new ParameterException(
            spec.commandLine(),
            "%s is not a run with data of its own: say what to measure on with --data"
                .formatted(model.path()));
      }
      return measure(files);
    }
  }

  private int measure(ModelFiles files) throws IOException {
    try (TrainedModel trained = device.open(files, spec)) {
      TrainConfig config = trained.config();
      if (hellaSwag != null) {
        Measurement found = measure(trained, HellaSwag.read(hellaSwag, trained.tokenizer()));
        print(hellaSwag.toString(), "hellaswag", found);
        return 0;
      }
      String name = data == null ? config.data().data() : data;
      try (Dataset dataset = dataset(spec(config), trained.tokenizer())) {
        Measurement found = measure(trained, dataset);
        print(name, whole ? "whole" : "validation", found);
      }
      return 0;
    }
  }

  private DataSpec spec(TrainConfig config) {
    DataSpec own = config.data().spec();
    DataSpec measured = data == null ? own : own.withData(data);
    return measured.skipUnknown(skipUnknown || own.skipUnknown());
  }

  private static Dataset dataset(DataSpec spec, Tokenizer tokenizer) throws IOException {
    Corpora corpora = Exercises.corpora();
    try {
      return corpora.dataset(spec, tokenizer);
    } catch (DataException e) {
      if (e.getCause() instanceof UnknownCharacterException
          && corpora.canLeaveOutCharacters(spec.data())) {
        throw new CommandException(e.getMessage() + ": --skip-unknown skips them", e);
      }
      throw e;
    }
  }

  private Measurement measure(TrainedModel trained, Dataset dataset) {
    TrainConfig config = trained.config();
    int batch = config.training().batch();
    int context = config.model().context();
    return whole
        ? Evaluation.ofWhole(trained.model(), dataset, batch, context)
            .orElseThrow(
                () ->
                    new ParameterException(
                        spec.commandLine(),
                        "--whole is for a text or a .jsonl: %s cannot be measured as a whole"
                            .formatted(dataset.name())))
        : Evaluation.of(trained.model(), dataset, batch, context);
  }

  private static Measurement measure(TrainedModel trained, HellaSwag examples) {
    TrainConfig config = trained.config();
    int batch = config.training().batch();
    return Evaluation.of(trained.model(), examples, batch, config.model().context());
  }

  private void print(String name, String part, Measurement found) throws IOException {
    System.out.print(json ? json(name, part, found.figures()) : found.text());
  }

  private String json(String name, String part, Map<String, Object> results) throws IOException {
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("run", model.path().toString());
    fields.put("data", name);
    fields.put("part", part);
    fields.putAll(results);
    return JsonMapper.builder().build().writeValueAsString(fields) + "\n";
  }
}
