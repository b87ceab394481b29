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
import java.util.Arrays;
import java.util.Comparator;
import java.util.stream.IntStream;
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

  /** Each character is a byte here; of GPT-2's tokens the end of a text is none. */
  @Test
  void bitsPerByteAreTheTotalLossDividedByTheBytesOfTheText() throws IOException {
    JsonNode own = json(eval("--json"));
    assertThat(own.get("bytes").asInt()).isEqualTo(119);
    assertThat(own.get("bits_per_byte").asDouble())
        .isCloseTo(own.get("loss").asDouble() / Math.log(2), within(1e-9));
    assertThat(eval().out()).matches(".*, 0\\.\\d{4} bits per byte\n");

    Path texts = folder.resolve("texts.jsonl");
    Files.writeString(texts, "{\"text\": \"Größe one\"}\n{\"text\": \" two three\"}\n".repeat(20));
    RunFolder words = new RunFolder(folder.resolve("words"));
    Outcome.of(words.train("--data=" + texts, "--tokenizer=gpt2", "--steps=1", "--val-split=end"));
    JsonNode whole =
        json(Outcome.of("eval", "--run=" + words.path(), "--data=" + texts, "--whole", "--json"));
    assertThat(whole.get("bytes").asInt()) // but for the first token, "Gr"
        .isEqualTo(20 * ("Größe one".length() + 2 + " two three".length()) - 2);
    assertThat(whole.get("bits_per_byte").asDouble())
        .isCloseTo(
            whole.get("loss").asDouble()
                * whole.get("tokens").asInt()
                / Math.log(2)
                / whole.get("bytes").asInt(),
            within(1e-9));
  }

  private static final String[] ENDINGS = {"sat on the mat", "at a hat", "tttttttttttt", "a"};

  /** Its endings are characters of this run; the right one is the second in every line. */
  @Test
  void hellaSwagCountsTheLikeliestEndings() throws IOException {
    Path file = folder.resolve("hellaswag.jsonl");
    String[] beginnings = {"the cat", "the mat", "cat sat on the cat sat on the", "sat"};
    StringBuilder lines = new StringBuilder();
    int right = 0;
    int rightByToken = 0;
    try (TrainedModel trained = TrainedModel.open(run.path(), DeviceConfig.CPU)) {
      for (int i = 0; i < beginnings.length; i++) {
        double[] sums = new double[ENDINGS.length];
        double[] means = new double[ENDINGS.length];
        for (int e = 0; e < ENDINGS.length; e++) {
          sums[e] = lossOfEnding(trained, beginnings[i], " " + ENDINGS[e]);
          means[e] = sums[e] / (1 + ENDINGS[e].length());
        }
        // The answers of three lines are what the model finds likeliest in one of the two ways.
        int label = i == 0 ? smallest(sums) : i < 3 ? smallest(means) : 2;
        right += label == smallest(sums) ? 1 : 0;
        rightByToken += label == smallest(means) ? 1 : 0;
        lines.append(
            "{\"ind\": %d, \"ctx\": \"%s\", \"label\": %s, \"endings\": [\"%s\"]}\n"
                .formatted(
                    i,
                    beginnings[i],
                    i == 1 ? "\"" + label + "\"" : label,
                    String.join("\", \"", ENDINGS)));
      }
    }
    Files.writeString(file, lines);
    assertThat(right).isBetween(1, 3);
    assertThat(rightByToken).isBetween(2, 3);
    assertThat(right).isNotEqualTo(rightByToken);

    JsonNode found = json(eval("--hellaswag=" + file, "--json"));
    assertThat(found.get("part").asText()).isEqualTo("hellaswag");
    assertThat(found.get("examples").asInt()).isEqualTo(4);
    assertThat(found.get("right").asInt()).isEqualTo(right);
    assertThat(found.get("accuracy").asDouble()).isEqualTo(right / 4.0);
    assertThat(found.get("right_normalised").asInt()).isEqualTo(rightByToken);
    assertThat(found.get("accuracy_normalised").asDouble()).isEqualTo(rightByToken / 4.0);
    assertThat(eval("--hellaswag=" + file).out())
        .isEqualTo(
            "%s: accuracy %.1f %% (%d of 4), normalised by tokens %.1f %% (%d of 4)%n"
                .formatted(file, 25.0 * right, right, 25.0 * rightByToken, rightByToken));
  }

  @Test
  void hellaSwagIsMeasuredOnAHuggingFaceFolderToo() throws IOException {
    Path model = ModelFolder.copyTo(folder.resolve("gpt2"), "gpt2-f32", "gpt2");
    Path file = folder.resolve("folder.jsonl");
    String[] beginnings = {"First Citizen", "We are all resolved", "Speak"};
    StringBuilder lines = new StringBuilder();
    int right = 0;
    int rightByToken = 0;
    try (TrainedModel trained = TrainedModel.open(model, DeviceConfig.CPU)) {
      for (int i = 0; i < beginnings.length; i++) {
        double[] sums = new double[ENDINGS.length];
        double[] means = new double[ENDINGS.length];
        for (int e = 0; e < ENDINGS.length; e++) {
          sums[e] = lossOfEnding(trained, beginnings[i], " " + ENDINGS[e]);
          means[e] = sums[e] / trained.tokenizer().encode(" " + ENDINGS[e]).length;
        }
        int label = i == 0 ? smallest(sums) : i == 1 ? smallest(means) : (smallest(sums) + 1) % 4;
        right += label == smallest(sums) ? 1 : 0;
        rightByToken += label == smallest(means) ? 1 : 0;
        lines.append(
            "{\"ctx\": \"%s\", \"label\": %d, \"endings\": [\"%s\"]}\n"
                .formatted(beginnings[i], label, String.join("\", \"", ENDINGS)));
      }
    }
    Files.writeString(file, lines);
    assertThat(right).isBetween(1, 2);
    assertThat(rightByToken).isBetween(1, 3);
    assertThat(Outcome.of("eval", "--run=" + model, "--hellaswag=" + file).out())
        .isEqualTo(
            "%s: accuracy %.1f %% (%d of 3), normalised by tokens %.1f %% (%d of 3)%n"
                .formatted(file, 100.0 * right / 3, right, 100.0 * rightByToken / 3, rightByToken));
  }

  /** The sum over the ending's tokens, of the model's logits after all before them. */
  private static double lossOfEnding(TrainedModel trained, String beginning, String ending) {
    int[] last = trained.tokenizer().encode(ending);
    int[] all =
        IntStream.concat(Arrays.stream(trained.tokenizer().encode(beginning)), Arrays.stream(last))
            .toArray();
    int context = trained.config().model().context();
    int from = Math.max(0, all.length - (context + 1)); // what the model can read
    int[] read = Arrays.copyOfRange(all, from, all.length);
    float[][] logits = logits(trained.model(), Arrays.copyOf(read, read.length - 1));
    double sum = 0;
    for (int i = read.length - last.length; i < read.length; i++) {
      sum += loss(logits[i - 1], read[i]);
    }
    return sum;
  }

  private static int smallest(double[] values) {
    return IntStream.range(0, values.length)
        .boxed()
        .min(Comparator.comparingDouble(i -> values[i]))
        .orElseThrow();
  }

  @Test
  void filesThatAreNotHellaSwagAreReportedInOneLine() throws IOException {
    Path file = folder.resolve("bad.jsonl");
    String fine = "{\"ctx\": \"cat\", \"label\": 1, \"endings\": [\"a\", \"t\"]}\n";
    for (String bad :
        new String[] {"{}", "[]", fine.replace("1", "2"), fine.replace("1", "\"\"")}) {
      Files.writeString(file, fine + bad.strip() + "\n");
      eval("--hellaswag=" + file)
          .assertFails(1, ".*bad.jsonl:2: needs \"ctx\", a list of \"endings\", and .*");
    }
    Files.writeString(file, "{");
    eval("--hellaswag=" + file).assertFails(1, ".*bad.jsonl:1: is not one JSON object");
    Files.writeString(file, fine.replace("cat", "Cat"));
    eval("--hellaswag=" + file).assertFails(1, ".*bad.jsonl:1: .*'C'.*");
    Files.writeString(file, fine.replace("\"a\"", "\"" + "a".repeat(16) + "\""));
    eval("--hellaswag=" + file)
        .assertFails(1, ".*bad.jsonl has an ending of 17 tokens, .* context of 16");
    Files.writeString(file, "\n");
    eval("--hellaswag=" + file).assertFails(1, ".*bad.jsonl holds no examples");
    eval("--hellaswag=gone").assertFails(1, "cannot read gone: no such file .*");
    Path tokens = Files.write(folder.resolve("hellaswag_val.bin"), new byte[1024]);
    eval("--hellaswag=" + tokens)
        .assertFails(1, ".*holds tokens of GPT-2, but the model has others, char .*");
    eval("--hellaswag=" + file, "--whole").assertFails(2, "--hellaswag is measured instead .*");
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
    float[][] logits = logits(model, inputs);
    double sum = 0;
    for (int i = 0; i < length; i++) {
      sum += loss(logits[i], tokens.token(start + i + 1));
    }
    return sum;
  }

  /** Of each token of {@code inputs} the logits (V) of what follows. */
  private static float[][] logits(Gpt model, int[] inputs) {
    model.planInference(1, inputs.length);
    model.load(MemorySegment.ofArray(inputs), null);
    Tensor logits = model.forward();
    float[] values = new float[(int) logits.shape().elements()];
    model.backend().readBlocking(MemorySegment.ofArray(values), logits);
    int width = values.length / inputs.length;
    float[][] rows = new float[inputs.length][];
    Arrays.setAll(rows, i -> Arrays.copyOfRange(values, i * width, i * width + model.vocab()));
    return rows;
  }

  private static double loss(float[] logits, int target) {
    double exponentials = 0;
    for (float logit : logits) {
      exponentials += Math.exp(logit);
    }
    return Math.log(exponentials) - logits[target];
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
    Outcome.of("eval").assertFails(2, "missing required option: '--run=PATH'.*");
  }

  private static double loss(String line) {
    return Double.parseDouble(line.replaceAll("(?s).*loss ([\\d.]+),.*", "$1"));
  }
}
