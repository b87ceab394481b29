package dev.culebra.examples.cli;

import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.culebra.data.Addition;
import dev.culebra.data.Corpora;
import dev.culebra.data.Corpus;
import dev.culebra.data.Dataset;
import dev.culebra.data.PromptPairs;
import dev.culebra.train.Evaluation;
import dev.culebra.train.ExactAnswers;
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
    description = "Mean loss in nats a token, and perplexity; each token is predicted once.",
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

  @Option(names = "--json", description = "Print one JSON object.")
  private boolean json;

  @Mixin private DeviceFlags device;

  @Override
  public Integer call() throws IOException {
    try (TrainedModel trained = TrainedModel.open(directory, device.config())) {
      TrainConfig config = trained.config();
      String name = data == null ? config.data() : data;
      try (Dataset dataset =
          Corpora.ofUser().dataset(name, trained.tokenizer(), config.skipUnknown())) {
        switch (dataset) {
          case Corpus corpus -> {
            Evaluation.Result result =
                Evaluation.whole(trained.model(), corpus, config.batch(), config.context());
            System.out.print(json ? json(name, result) : text(name, result));
          }
          case PromptPairs pairs ->
              throw new CommandException(
                  "eval reads texts and sums; the validation loss of %s is in metrics.jsonl"
                      .formatted(pairs.name()));
          case Addition addition -> {
            try (ExactAnswers exact = new ExactAnswers(trained.model(), addition)) {
              ExactAnswers.Result result = exact.ask();
              System.out.print(json ? json(name, result) : result);
            }
          }
        }
      }
      return 0;
    }
  }

  private String json(String name, ExactAnswers.Result result) throws IOException {
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("run", directory.toString());
    fields.put("data", name);
    fields.put("problems", result.problems());
    fields.put("right", result.right());
    return JsonMapper.builder().build().writeValueAsString(fields) + "\n";
  }

  private String text(String name, Evaluation.Result result) {
    return "%s, validation part, %,d tokens: loss %.4f, perplexity %.2f%n"
        .formatted(name, result.tokens(), result.loss(), result.perplexity());
  }

  private String json(String name, Evaluation.Result result) throws IOException {
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("run", directory.toString());
    fields.put("data", name);
    fields.put("tokens", result.tokens());
    fields.put("loss", result.loss());
    fields.put("perplexity", result.perplexity());
    return JsonMapper.builder().build().writeValueAsString(fields) + "\n";
  }
}
