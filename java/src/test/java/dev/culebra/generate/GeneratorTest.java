package dev.culebra.generate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.culebra.backend.Activation;
import dev.culebra.backend.Backend;
import dev.culebra.backend.SamplingSpec;
import dev.culebra.backend.cpu.CpuBackend;
import dev.culebra.nn.Bigram;
import dev.culebra.nn.Gpt;
import dev.culebra.nn.GptConfig;
import dev.culebra.nn.KvCache;
import dev.culebra.nn.Normalization;
import dev.culebra.nn.Parameter;
import dev.culebra.nn.Positions;
import dev.culebra.random.RandomStream;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class GeneratorTest {
  private static final GptConfig CONFIG =
      new GptConfig(3, 2, 24, 20, 31, 0.2f, true, true, Activation.GELU_TANH);
  private static final SamplingSpec GREEDY = new SamplingSpec(0, 0, 1);
  private static final int[] PROMPT_OF_BIGRAM = {7};
  private static final int[] PROMPT = {3, 1, 4, 1, 5, 9, 2, 6};

  private final Backend backend = new CpuBackend(2);
  private final Gpt model = new Gpt(CONFIG, backend, 11);

  /** Larger weights than a new model's, so that the output depends on the input. */
  @BeforeEach
  void enliven() {
    enliven(model);
  }

  private void enliven(Gpt model) {
    RandomStream random = new RandomStream(1, 1, 1);
    for (Parameter parameter : model.parameters().list()) {
      float[] values = new float[(int) parameter.shape().elements()];
      for (int i = 0; i < parameter.savedShape().elements(); i++) {
        values[i] = 0.3f * random.nextNormal() + parameter.init().mean();
      }
      backend.upload(parameter.value(), values);
    }
  }

  @AfterEach
  void nothingLeaks() {
    model.close();
    assertThat(backend.memory().liveBuffers()).isZero();
    backend.close();
  }

  static Stream<GptConfig> variants() {
    return Stream.of(
        CONFIG,
        CONFIG
            .with(GptConfig.POSITIONS, Positions.ROTARY)
            .with(GptConfig.NORM, Normalization.RMS)
            .with(GptConfig.GATED_MLP, true)
            .with(GptConfig.QK_NORM, true)
            .with(GptConfig.KV_HEADS, 1)
            .with(GptConfig.SOFTCAP, 5f),
        CONFIG.with(GptConfig.GATED_MLP, true).with(GptConfig.KV_HEADS, 1));
  }

  @ParameterizedTest
  @MethodSource("variants")
  void cachedStepsEqualTheFullForwardPass(GptConfig config) {
    int[] tokens = new int[CONFIG.context()];
    RandomStream random = new RandomStream(2, 2, 2);
    Arrays.setAll(tokens, i -> random.nextInt(CONFIG.vocab()));
    try (Gpt model = new Gpt(config, backend, 11);
        Gpt full = model.shareWeights();
        Gpt decoder = model.shareWeights();
        Gpt reader = model.shareWeights();
        KvCache cache = new KvCache(backend, config, 1)) {
      enliven(model);
      for (Gpt view : List.of(full, decoder, reader)) {
        view.eval();
      }
      full.planInference(1, tokens.length);
      full.load(MemorySegment.ofArray(tokens), null);
      float[] expected = backend.readFloatsBlocking(full.forward());

      int prefilled = 7;
      reader.planPrefill(cache, prefilled);
      reader.load(MemorySegment.ofArray(Arrays.copyOf(tokens, prefilled)), null);
      reader.forwardToCache();
      cache.setLength(prefilled);
      decoder.planDecoding(cache);
      for (int t = prefilled; t < tokens.length; t++) {
        decoder.load(MemorySegment.ofArray(new int[] {tokens[t]}), null);
        float[] logits = backend.readFloatsBlocking(decoder.forward());
        cache.setLength(t + 1 == tokens.length ? t : t + 1);
        for (int v = 0; v < CONFIG.vocab(); v++) {
          float wanted = expected[t * CONFIG.paddedVocab() + v];
          assertThat(logits[v])
              .as("token %d of position %d", v, t)
              .isCloseTo(wanted, within(2e-5f * (1 + Math.abs(wanted))));
        }
      }
    }
  }

  @Test
  void greedyTextEqualsThatOfTheFullForwardPass() {
    int count = CONFIG.context() - PROMPT.length;
    int[] tokens = Arrays.copyOf(PROMPT, CONFIG.context());
    try (Gpt full = model.shareWeights()) {
      full.eval();
      for (int t = PROMPT.length; t < tokens.length; t++) {
        full.planInference(1, t);
        full.load(MemorySegment.ofArray(Arrays.copyOf(tokens, t)), null);
        float[] logits = backend.readFloatsBlocking(full.forward());
        int best = 0;
        for (int v = 1; v < CONFIG.vocab(); v++) {
          int row = (t - 1) * CONFIG.paddedVocab();
          best = logits[row + v] > logits[row + best] ? v : best;
        }
        tokens[t] = best;
      }
    }
    assertThat(generate(PROMPT, count, GREEDY, 1, 0))
        .containsExactly(Arrays.stream(tokens).skip(PROMPT.length).boxed().toArray(Integer[]::new));
  }

  @Test
  void continuesPastTheContextAndIsRepeatable() {
    SamplingSpec spec = new SamplingSpec(0.8f, 10, 0.9f);
    List<Integer> tokens = generate(PROMPT, 70, spec, 5, 0);
    assertThat(tokens).hasSize(70).allMatch(t -> t >= 0 && t < CONFIG.vocab());
    assertThat(generate(PROMPT, 70, spec, 5, 0)).isEqualTo(tokens);
    assertThat(generate(PROMPT, 70, spec, 5, 1)).isNotEqualTo(tokens);
    assertThat(generate(PROMPT, 70, spec, 6, 0)).isNotEqualTo(tokens);
  }

  @Test
  void readsTheEndOfALongPrompt() {
    int[] end = new int[CONFIG.context()];
    Arrays.setAll(end, i -> i % CONFIG.vocab());
    int[] whole = new int[3 * CONFIG.context()];
    System.arraycopy(end, 0, whole, 2 * CONFIG.context(), end.length);
    assertThat(generate(whole, 5, GREEDY, 1, 0)).isEqualTo(generate(end, 5, GREEDY, 1, 0));
  }

  @Test
  void aPromptOfOneTokenWorksAndAnEmptyOneIsRejected() {
    assertThat(generate(new int[] {2}, 3, GREEDY, 1, 0)).hasSize(3);
    assertThatThrownBy(() -> generate(new int[0], 3, GREEDY, 1, 0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("a prompt needs at least one token");
  }

  @Test
  void stopsWhenTold() {
    List<Integer> seen = new ArrayList<>();
    try (Generator generator = new Generator(model)) {
      generator.generate(
          PROMPT,
          50,
          GREEDY,
          1,
          0,
          token -> {
            seen.add(token);
            return seen.size() < 4;
          });
    }
    assertThat(seen).hasSize(4);
  }

  /** A bigram's likeliest text follows the largest entries of its table. */
  @Test
  void anyModelContinuesPastItsWindow() {
    int vocab = 13;
    try (Bigram bigram = new Bigram(vocab, backend, 5);
        Generator generator = new Generator(bigram, 8)) {
      float[] table = backend.readFloatsBlocking(bigram.parameters().list().getFirst().value());
      int[] walk = new int[30];
      int token = 4;
      for (int i = 0; i < walk.length; i++) {
        int row = token * vocab;
        token =
            IntStream.range(0, vocab)
                .reduce((a, b) -> table[row + b] > table[row + a] ? b : a)
                .getAsInt();
        walk[i] = token;
      }
      assertThat(generator.generate(new int[] {1, 2, 3, 4}, walk.length, GREEDY, 1))
          .containsExactly(walk);
      SamplingSpec drawn = new SamplingSpec(1, 0, 1);
      int[] tokens = generator.generate(PROMPT_OF_BIGRAM, 40, drawn, 5);
      assertThat(generator.generate(PROMPT_OF_BIGRAM, 40, drawn, 5)).containsExactly(tokens);
      assertThat(generator.generate(PROMPT_OF_BIGRAM, 40, drawn, 6)).isNotEqualTo(tokens);
    }
  }

  private List<Integer> generate(
      int[] prompt, int count, SamplingSpec spec, long seed, int sample) {
    List<Integer> tokens = new ArrayList<>();
    try (Generator generator = new Generator(model)) {
      generator.generate(prompt, count, spec, seed, sample, tokens::add);
    }
    return tokens;
  }
}
