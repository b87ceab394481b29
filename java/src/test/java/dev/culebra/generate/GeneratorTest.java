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
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.atomic.AtomicInteger;
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
      decoder.planDecoding(List.of(cache));
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

  /** More texts than places, of all lengths, some past the context, each with its own end. */
  @ParameterizedTest
  @MethodSource("variants")
  void aTextHasTheSameTokensAloneAndBesideOthers(GptConfig config) {
    SamplingSpec[] specs = {GREEDY, new SamplingSpec(0.9f, 0, 1), new SamplingSpec(1.2f, 7, 0.8f)};
    try (Gpt model = new Gpt(config, backend, 11);
        Generator together = new Generator(model)) {
      enliven(model);
      List<List<Integer>> written = new ArrayList<>();
      List<Continuation> continuations = new ArrayList<>();
      for (int i = 0; i < 11; i++) {
        List<Integer> own = new ArrayList<>();
        written.add(own);
        int[] prompt = Arrays.copyOf(PROMPT, 1 + 3 * i % PROMPT.length);
        int most = i == 4 ? 6 : 100; // one ends by its reader
        continuations.add(
            new Continuation(
                prompt,
                i == 7 ? 0 : 5 + 4 * i,
                specs[i % 3],
                i / 2,
                i,
                token -> {
                  own.add(token);
                  return own.size() < most;
                }));
      }
      Generation all = together.generate(continuations);

      assertThat(all.tokens()).isEqualTo(written.stream().mapToInt(List::size).sum());
      assertThat(written.get(4)).hasSize(6);
      assertThat(written.get(7)).isEmpty();
      try (Generator alone = new Generator(model)) {
        for (int i = 0; i < continuations.size(); i++) {
          Continuation one = continuations.get(i);
          List<Integer> expected = new ArrayList<>();
          alone.generate(
              one.prompt(),
              written.get(i).size(),
              one.sampling(),
              one.seed(),
              one.sample(),
              expected::add);
          assertThat(written.get(i)).as("text %d", i).isEqualTo(expected);
        }
      }
    }
  }

  /**
   * With one layer, keys and values depend on their own tokens alone, so a sliding window is what
   * reading the last tokens again gives.
   */
  @Test
  void rotaryPositionsSlideOverTheContext() {
    GptConfig config =
        new GptConfig(1, 2, 24, 8, 31, 0, true, true, Activation.GELU_TANH)
            .with(GptConfig.POSITIONS, Positions.ROTARY);
    try (Gpt model = new Gpt(config, backend, 11);
        Gpt full = model.shareWeights();
        Generator generator = new Generator(model)) {
      enliven(model);
      full.eval();
      List<Integer> text = new ArrayList<>(Arrays.stream(PROMPT).boxed().toList());
      full.planInference(1, 8);
      for (int token : generator.generate(PROMPT, 30, GREEDY, 1)) {
        int[] last =
            text.subList(text.size() - 8, text.size()).stream().mapToInt(each -> each).toArray();
        full.load(MemorySegment.ofArray(last), null);
        float[] logits = backend.readFloatsBlocking(full.forward());
        int row = 7 * config.paddedVocab();
        float best = Float.NEGATIVE_INFINITY;
        for (int v = 0; v < config.vocab(); v++) {
          best = Math.max(best, logits[row + v]);
        }
        assertThat(logits[row + token]).isCloseTo(best, within(1e-4f * (1 + Math.abs(best))));
        text.add(token);
      }
    }
  }

  @Test
  void aReaderThatBlocksHoldsTheGeneratorUp() throws InterruptedException {
    SynchronousQueue<Integer> queue = new SynchronousQueue<>();
    AtomicInteger drawn = new AtomicInteger();
    Generation[] generation = new Generation[1];
    Thread writer =
        Thread.ofVirtual()
            .start(
                () -> {
                  try (Generator generator = new Generator(model)) {
                    generation[0] =
                        generator.generate(
                            PROMPT,
                            5,
                            GREEDY,
                            1,
                            0,
                            token -> {
                              drawn.incrementAndGet();
                              try {
                                queue.put(token);
                              } catch (InterruptedException e) {
                                return false;
                              }
                              return true;
                            });
                  }
                });
    List<Integer> taken = new ArrayList<>();
    for (int i = 0; i < 5; i++) {
      taken.add(queue.take());
      assertThat(drawn.get()).isBetween(i + 1, i + 2); // at most one is waiting to be taken
    }
    writer.join();
    assertThat(taken).isEqualTo(generate(PROMPT, 5, GREEDY, 1, 0));
    assertThat(generation[0].tokens()).isEqualTo(5);
    assertThat(generation[0].nanosToFirst()).isBetween(1L, generation[0].nanos());
    assertThat(generation[0].tokensPerSecond()).isPositive();
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
