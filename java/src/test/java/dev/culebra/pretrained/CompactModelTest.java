package dev.culebra.pretrained;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.culebra.backend.Backend;
import dev.culebra.backend.CompactWeight.Format;
import dev.culebra.backend.SamplingSpec;
import dev.culebra.backend.cpu.CpuBackend;
import dev.culebra.generate.Generator;
import dev.culebra.nn.Gpt;
import dev.culebra.nn.Parameter;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Models with weights of fewer bits beside the same models with all of them. */
class CompactModelTest {
  private static final Path MODELS = Path.of("src/test/resources/models");

  private static Gpt load(String name, Backend backend, Format format) throws IOException {
    try (PretrainedModel pretrained = PretrainedModel.open(MODELS.resolve(name))) {
      Gpt model = Gpt.toBeLoaded(pretrained.description().gptConfig(), backend, format);
      pretrained.load(model);
      model.eval();
      return model;
    }
  }

  private static JsonNode reference(String name) throws IOException {
    return JsonMapper.builder()
        .build()
        .readTree(MODELS.resolve(name).resolve("reference.json").toFile());
  }

  private static int[] ints(JsonNode list) {
    return IntStream.range(0, list.size()).map(i -> list.get(i).intValue()).toArray();
  }

  /**
   * The mean loss of a text that transformers wrote greedily, and how many of its tokens are the
   * likeliest ones of {@code model}.
   */
  private static double[] lossAndAgreement(Gpt model, int[] text) {
    int time = text.length - 1;
    int[] targets = Arrays.copyOfRange(text, 1, text.length);
    model.eval();
    model.planInference(1, time);
    model.load(MemorySegment.ofArray(Arrays.copyOf(text, time)), MemorySegment.ofArray(targets));
    model.zeroLoss();
    float[] logits = model.backend().readFloatsBlocking(model.forward());
    model.loss(1);
    int width = logits.length / time;
    int equal = 0;
    for (int t = 0; t < time; t++) {
      int best = 0;
      for (int v = 1; v < model.vocab(); v++) {
        best = logits[t * width + v] > logits[t * width + best] ? v : best;
      }
      equal += best == targets[t] ? 1 : 0;
    }
    return new double[] {model.readLossBlocking(), equal};
  }

  @ParameterizedTest
  @CsvSource({
    "gpt2-f32, BF16, 0.005",
    "gpt2-f32, INT8, 0.02",
    "llama-tied-f32, BF16, 0.005",
    "llama-tied-f32, INT8, 0.02",
    "llama-untied-bf16, BF16, 1e-5",
    "qwen2-f32, BF16, 0.005",
    "qwen3-f32, BF16, 0.005",
    "qwen3-f32, INT8, 0.02"
  })
  void fewerBitsChangeTheLossALittle(String name, Format format, double most) throws IOException {
    int[] text = ints(reference(name).path("tokens").get(0));
    int[] greedy = ints(reference(name).path("greedy"));
    try (Backend backend = new CpuBackend(2);
        Gpt exact = PretrainedContract.load(MODELS.resolve(name), backend);
        Gpt compact = load(name, backend, format)) {
      assertThat(lossAndAgreement(compact, text)[0])
          .isCloseTo(lossAndAgreement(exact, text)[0], within(most));
      double same = lossAndAgreement(exact, greedy)[1];
      double close = lossAndAgreement(compact, greedy)[1];
      assertThat(close).isGreaterThanOrEqualTo(same - greedy.length / 10.0);
    }
  }

  /** Its weights are of that type, so nothing is rounded: what it writes is transformers' text. */
  @ParameterizedTest
  @CsvSource({"gpt2-bf16", "llama-untied-bf16"})
  void weightsThatAreBf16StayWhatTheyAre(String name) throws IOException {
    int[] prompt = ints(reference(name).path("greedy_prompt"));
    int[] expected = ints(reference(name).path("greedy"));
    try (Backend backend = new CpuBackend(2);
        Gpt model = load(name, backend, Format.BF16);
        Generator generator = new Generator(model)) {
      int[] tokens =
          generator.generate(prompt, expected.length - prompt.length, new SamplingSpec(0, 0, 1), 1);
      assertThat(tokens)
          .containsExactly(Arrays.copyOfRange(expected, prompt.length, expected.length));
    }
  }

  @Test
  void aModelOfFewerBitsTakesLessMemoryAndCannotBeTrained() throws IOException {
    try (Backend backend = new CpuBackend(1)) {
      try (Gpt exact = PretrainedContract.load(MODELS.resolve("gpt2-f32"), backend)) {
        assertThat(backend.memory().liveBytes())
            .isGreaterThanOrEqualTo(4 * exact.parameters().count());
      }
      try (Gpt model = load("gpt2-f32", backend, Format.INT8)) {
        assertThat(backend.memory().liveBytes()).isLessThan(4 * model.parameters().count() / 3);
        assertThatThrownBy(() -> model.plan(1, 4))
            .isInstanceOf(IllegalStateException.class)
            .hasMessage(
                "a model with weights of fewer bits is for inference alone: load it with F32"
                    + " weights");
        Parameter matrix = find(model.parameters().list(), "h.0.mlp.c_fc.weight");
        assertThatThrownBy(matrix::value)
            .hasMessage("h.0.mlp.c_fc.weight is stored as INT8 (256, 64), for inference alone");
      }
      assertThat(backend.memory().liveBuffers()).isZero();
    }
  }

  private static Parameter find(List<Parameter> parameters, String name) {
    return parameters.stream().filter(each -> each.name().equals(name)).findFirst().orElseThrow();
  }
}
