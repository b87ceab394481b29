package dev.culebra.examples.cli;

import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.culebra.data.Dataset;
import dev.culebra.data.Measurement;
import dev.culebra.examples.arithmetic.Exercises;
import dev.culebra.train.Evaluation;
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
import picocli.CommandLine.Option;

/** {@code culebra eval}. */
@Command(
    name = "eval",
    header = "Measure a trained model on a whole validation part.",
    description = {
      "Of a text: mean loss in nats a token, and perplexity; each token is predicted once.",
      "Of a .jsonl: the same over the completions, and how many the model writes exactly.",
      "Of addition and calculator: exact answers on held-out problems, for each operation."
    },
    footer = {"", "Example: culebra eval --run runs/dickens-1 --json"})
final class EvalCommand implements Callable<Integer> {
  @Mixin private CommonOptions common;

  @Option(names = "--run", required = true, paramLabel = "DIR", description = "A run directory.")
  private Path directory;

  @Option(
      names = "--data",
      paramLabel = "NAME|PATH",
      description = "Other data, whose last 10 %% are used. Default: the run's own")
  private String data;

  @Option(
      names = "--skip-unknown",
      description = "Leave out characters of a text that the model does not know.")
  private boolean skipUnknown;

  @Option(names = "--json", description = "Print one JSON object.")
  private boolean json;

  @Mixin private AcceptChanges acceptChanges;
  @Mixin private DeviceFlags device;

  @Override
  public Integer call() throws IOException {
    try (RunFiles files = acceptChanges.open(directory);
        TrainedModel trained = TrainedModel.open(files, device.config())) {
      TrainConfig config = trained.config();
      String name = data == null ? config.data() : data;
      try (Dataset dataset =
          Exercises.corpora()
              .dataset(name, trained.tokenizer(), skipUnknown || config.skipUnknown())) {
        Measurement found =
            Evaluation.of(trained.model(), dataset, config.batch(), config.context());
        System.out.print(json ? json(name, found.figures()) : found.text());
      }
      return 0;
    }
  }

  private String json(String name, Map<String, Object> results) throws IOException {
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("run", directory.toString());
    fields.put("data", name);
    fields.putAll(results);
    return JsonMapper.builder().build().writeValueAsString(fields) + "\n";
  }
}
