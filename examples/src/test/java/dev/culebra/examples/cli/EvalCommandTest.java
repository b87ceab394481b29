package dev.culebra.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.culebra.data.Corpora;
import dev.culebra.data.Corpus;
import dev.culebra.data.Split;
import dev.culebra.data.Tokens;
import dev.culebra.nn.Gpt;
import dev.culebra.tensor.Tensor;
import dev.culebra.train.DeviceConfig;
import dev.culebra.train.TrainedModel;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EvalCommandTest {
  private static final int CONTEXT = 16;

  @TempDir static Path folder;
  private static RunFolder run;

  @BeforeAll
  static void train() throws IOException {
    run = new RunFolder(folder.resolve("run"));
    Path text = Files.writeString(folder.resolve("a.txt"), "the cat sat on the mat. ".repeat(50));
    assertThat(Outcome.of(run.train("--data=" + text, "--steps=60", "--lr=1e-2")).exitCode())
        .isZero();
  }

  @Test
  void measuresEachTokenOfTheValidationPartOnce() throws IOException {
    JsonNode json =
        JsonMapper.builder()
            .build()
            .readTree(Outcome.of("eval", "--run", run.path().toString(), "--json").out());

    assertThat(json.get("tokens").asInt()).isEqualTo(120 - 1);
    assertThat(json.get("loss").asDouble()).isCloseTo(meanLossOneByOne(), within(1e-5));
    assertThat(json.get("perplexity").asDouble())
        .isCloseTo(Math.exp(json.get("loss").asDouble()), within(1e-9));
    assertThat(json.get("run").asText()).isEqualTo(run.path().toString());
    assertThat(json.get("data").asText()).endsWith("a.txt");
  }

  /** The same mean, one window at a time, with the loss computed here from the model's logits. */
  private static double meanLossOneByOne() throws IOException {
    try (TrainedModel trained = TrainedModel.open(run.path(), DeviceConfig.CPU);
        Corpus corpus = Corpora.ofUser().open(trained.config().data().data(), trained.tokenizer());
        Tokens tokens = corpus.tokens(Split.VALIDATION)) {
      int targets = (int) tokens.size() - 1;
      double sum = 0;
      for (int start = 0; start < targets; start += CONTEXT) {
        int length = Math.min(CONTEXT, targets - start);
        sum += lossOfWindow(trained.model(), tokens, start, length);
      }
      return sum / targets;
    }
  }

  private static double lossOfWindow(Gpt model, Tokens tokens, int start, int length) {
    int[] inputs = new int[length];
    tokens.copy(start, length, inputs, 0);
    model.planInference(1, length);
    model.load(MemorySegment.ofArray(inputs), null);
    Tensor logits = model.forward();
    float[] values = new float[(int) logits.shape().elements()];
    model.backend().readBlocking(MemorySegment.ofArray(values), logits);
    int rowLength = values.length / length;
    double sum = 0;
    for (int i = 0; i < length; i++) {
      double exponentials = 0;
      for (int v = 0; v < model.vocab(); v++) {
        exponentials += Math.exp(values[i * rowLength + v]);
      }
      sum += Math.log(exponentials) - values[i * rowLength + tokens.token(start + i + 1)];
    }
    return sum;
  }

  @Test
  void asTextAndOnOtherData() throws IOException {
    Path other = Files.writeString(folder.resolve("b.txt"), "tac eht mat taht nos. ".repeat(50));
    String own = Outcome.of("eval", "--run", run.path().toString()).out();
    String others =
        Outcome.of("eval", "--run", run.path().toString(), "--data", other.toString()).out();

    assertThat(own)
        .matches(".*a.txt, validation part, 119 tokens: loss 0\\.\\d{4}, perplexity .*\n");
    assertThat(others).startsWith(other + ", validation part, 109 tokens: loss ");
    assertThat(loss(others)).isGreaterThan(2 * loss(own));
  }

  @Test
  void wholeMeasuresAllOfAText() throws IOException {
    Path other = Files.writeString(folder.resolve("e.txt"), "tac eht mat taht nos. ".repeat(50));
    Path last = Files.writeString(folder.resolve("f.txt"), "tac eht mat taht nos. ".repeat(5));
    Outcome whole = eval("--data=" + other, "--whole");

    assertThat(whole.out()).startsWith(other + ", all of it, 1,099 tokens: loss ");
    assertThat(loss(eval("--data=" + last, "--whole").out()))
        .isCloseTo(loss(eval("--data=" + other).out()), within(1e-4));
    assertThat(json(eval("--data=" + other, "--json", "--whole")).get("part").asText())
        .isEqualTo("whole");
    assertThat(json(eval("--whole", "--json")).get("tokens").asInt()).isEqualTo(1200 - 1);
  }

  @Test
  void wholeMeasuresBothFilesOfATokenDirectory() throws IOException {
    Path text = Files.writeString(folder.resolve("g.txt"), "the cat sat on the mat. ".repeat(50));
    Path tokens = folder.resolve("tokens");
    Outcome.of("data", "prepare", text.toString(), "--out=" + tokens, "--tokenizer=char");

    assertThat(json(eval("--data=" + tokens, "--json", "--whole")).get("tokens").asInt())
        .isEqualTo(1200 - 2);
  }

  @Test
  void unknownCharactersCanBeSkipped() throws IOException {
    Path foreign = Files.writeString(folder.resolve("h.txt"), "the cat: sat! ".repeat(50));

    eval("--data=" + foreign)
        .assertFails(1, ".*h.txt.*; it does not know 50 × '!', 50 × ':': --skip-unknown .*");
    assertThat(eval("--data=" + foreign, "--skip-unknown", "--whole").out())
        .startsWith(foreign + ", all of it, 599 tokens: ");
  }

  private static Outcome eval(String... flags) {
    return Outcome.of(
        Stream.concat(Stream.of("eval", "--run=" + run.path()), Stream.of(flags))
            .toArray(String[]::new));
  }

  private static JsonNode json(Outcome outcome) throws IOException {
    return JsonMapper.builder().build().readTree(outcome.out());
  }

  @Test
  void theResultIsTheSameForAnyNumberOfThreads() {
    assertThat(Outcome.of("eval", "--json", "--threads=3", "--run", run.path().toString()))
        .isEqualTo(Outcome.of("eval", "--json", "--threads=1", "--run", run.path().toString()));
  }

  @Test
  void unmeasurableDataIsReportedInOneLine() throws IOException {
    Path foreign = Files.writeString(folder.resolve("c.txt"), "Überraschung. ".repeat(50));
    Path tiny = Files.writeString(folder.resolve("d.txt"), "a");

    Outcome.of("eval", "--run", run.path().toString(), "--data", foreign.toString())
        .assertFails(1, ".*c.txt.*'Ü' \\(U\\+00DC\\).*");
    Outcome.of("eval", "--run", run.path().toString(), "--data", tiny.toString())
        .assertFails(1, ".*d.txt.*");
    Outcome.of("eval", "--run", run.path().toString(), "--data", "gone").assertFails(1, ".*gone.*");
    Outcome.of("eval").assertFails(2, "missing required option: '--run=DIR'.*");
  }

  private static double loss(String line) {
    return Double.parseDouble(line.replaceAll("(?s).*loss ([\\d.]+),.*", "$1"));
  }
}
