package dev.culebra.examples.cli;

import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.culebra.data.Arithmetic;
import dev.culebra.data.Corpora;
import dev.culebra.data.Corpus;
import dev.culebra.data.Dataset;
import dev.culebra.data.PromptPairs;
import dev.culebra.train.Evaluation;
import dev.culebra.train.ExactAnswers;
import dev.culebra.train.ExactCompletions;
import dev.culebra.train.RunFiles;
import dev.culebra.train.Score;
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
          Corpora.ofUser()
              .dataset(name, trained.tokenizer(), skipUnknown || config.skipUnknown())) {
        System.out.print(measure(trained, name, dataset));
      }
      return 0;
    }
  }

  private String measure(TrainedModel trained, String name, Dataset dataset) throws IOException {
    TrainConfig config = trained.config();
    return switch (dataset) {
      case Corpus corpus -> {
        Evaluation.Result result =
            Evaluation.whole(trained.model(), corpus, config.batch(), config.context());
        yield json ? json(name, fields(result)) : text(name, result);
      }
      case PromptPairs pairs -> {
        pairs.requireContext(config.context());
        try (var exact =
            new ExactCompletions(trained.model(), pairs, config.batch(), Integer.MAX_VALUE)) {
          ExactCompletions.Result result = exact.ask();
          yield json ? json(name, fields(result)) : text(name, result);
        }
      }
      case Arithmetic arithmetic -> {
        arithmetic.requireContext(config.context());
        try (ExactAnswers exact = new ExactAnswers(trained.model(), arithmetic)) {
          ExactAnswers.Result result = exact.ask();
          yield json ? json(name, fields(result)) : result.toString();
        }
      }
    };
  }

  private String json(String name, Map<String, Object> results) throws IOException {
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("run", directory.toString());
    fields.put("data", name);
    fields.putAll(results);
    return JsonMapper.builder().build().writeValueAsString(fields) + "\n";
  }

  private static Map<String, Object> fields(ExactAnswers.Result result) {
    Map<String, Object> operations = new LinkedHashMap<>();
    result
        .scores()
        .forEach(
            (operation, score) ->
                operations.put(Character.toString(operation.symbol()), fields(score)));
    Map<String, Object> fields = fields(result.total());
    fields.put("operations", operations);
    return fields;
  }

  private static Map<String, Object> fields(Score score) {
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("problems", score.asked());
    fields.put("right", score.right());
    return fields;
  }

  private static Map<String, Object> fields(ExactCompletions.Result result) {
    Map<String, Object> fields = fields(result.tokens(), result.loss(), result.perplexity());
    fields.put("pairs", result.score().asked());
    fields.put("right", result.score().right());
    return fields;
  }

  private static Map<String, Object> fields(Evaluation.Result result) {
    return fields(result.tokens(), result.loss(), result.perplexity());
  }

  private static Map<String, Object> fields(long tokens, double loss, double perplexity) {
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("tokens", tokens);
    fields.put("loss", loss);
    fields.put("perplexity", perplexity);
    return fields;
  }

  private static String text(String name, ExactCompletions.Result result) {
    return "%s%s, validation part, %,d tokens of completions: loss %.4f, perplexity %.2f%n"
        .formatted(result, name, result.tokens(), result.loss(), result.perplexity());
  }

  private static String text(String name, Evaluation.Result result) {
    return "%s, validation part, %,d tokens: loss %.4f, perplexity %.2f%n"
        .formatted(name, result.tokens(), result.loss(), result.perplexity());
  }
}
