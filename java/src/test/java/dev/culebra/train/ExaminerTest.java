package dev.culebra.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.culebra.backend.Activation;
import dev.culebra.backend.Backend;
import dev.culebra.backend.SamplingSpec;
import dev.culebra.backend.cpu.CpuBackend;
import dev.culebra.data.Learner;
import dev.culebra.data.Question;
import dev.culebra.data.Score;
import dev.culebra.generate.Generator;
import dev.culebra.nn.Gpt;
import dev.culebra.nn.GptConfig;
import dev.culebra.nn.ModelFixture;
import dev.culebra.random.RandomStream;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The right answers here are the model's own, generated token by token, or nearly so. */
class ExaminerTest {
  private static final GptConfig CONFIG =
      new GptConfig(2, 2, 24, 16, 31, 0.2f, true, true, Activation.GELU_TANH);
  private static final int QUESTIONS = 11;
  private static final int BATCH = 4;

  private final Backend backend = new CpuBackend(2);
  private final Gpt model = new Gpt(CONFIG, backend, 11);
  private final RandomStream random = new RandomStream(2, 2, 2);
  private final List<Question> questions = new ArrayList<>();
  private final boolean[] expected = new boolean[QUESTIONS];

  /** One of every three questions has the model's answer, two differ in one token. */
  @BeforeEach
  void ask() {
    ModelFixture.enliven(model);
    try (Generator generator = new Generator(model)) {
      for (int i = 0; i < QUESTIONS; i++) {
        int[] prompt = new int[1 + random.nextInt(6)];
        Arrays.setAll(prompt, place -> random.nextInt(CONFIG.vocab()));
        int length = 1 + random.nextInt(8);
        int[] answer = generator.generate(prompt, length, new SamplingSpec(0, 0, 1), 1);
        expected[i] = i % 3 == 0;
        if (!expected[i]) {
          int place = i % 3 == 1 ? length - 1 : random.nextInt(length);
          answer[place] = (answer[place] + 1) % CONFIG.vocab();
        }
        questions.add(new Question(prompt, answer));
      }
    }
  }

  @AfterEach
  void nothingLeaks() {
    model.close();
    assertThat(backend.memory().liveBuffers()).isZero();
    backend.close();
  }

  @Test
  void theModelsOwnAnswersAreExact() {
    try (Examiner examiner = new Examiner(model, questions, BATCH)) {
      Learner.Answers result = examiner.ask(() -> false);
      assertThat(result.exact()).isEqualTo(expected);
      assertThat(result.right()).isEqualTo(4);
      assertThat(examiner.ask(() -> false).exact()).isEqualTo(expected);
    }
  }

  @Test
  void stopsOnRequest() {
    try (Examiner examiner = new Examiner(model, questions, BATCH)) {
      assertThat(examiner.ask(() -> true)).isNull();
    }
  }

  @Test
  void theLossCountsEachTokenOfAnAnswerOnce() {
    try (Examiner examiner = new Examiner(model, questions, BATCH)) {
      Learner.Answers result = examiner.ask(() -> false);
      assertThat(result.tokens())
          .isEqualTo(questions.stream().mapToInt(question -> question.answer().length).sum());
      double sum = questions.stream().mapToDouble(this::loss).sum();
      assertThat(result.lossSum()).isCloseTo(sum, within(1e-4 * sum));
    }
  }

  /** The same, one question at a time, from the logits in double precision. */
  private double loss(Question question) {
    int[] tokens = Arrays.copyOf(question.prompt(), question.length());
    System.arraycopy(
        question.answer(), 0, tokens, question.prompt().length, question.answer().length);
    double sum = 0;
    try (Gpt reader = model.shareWeights()) {
      reader.eval();
      reader.planInference(1, tokens.length);
      reader.load(MemorySegment.ofArray(tokens), null);
      var logits = reader.forward();
      float[] values = backend.readFloatsBlocking(logits);
      int width = logits.shape().dim(-1);
      for (int t = question.prompt().length; t < tokens.length; t++) {
        double total = 0;
        for (int token = 0; token < CONFIG.vocab(); token++) {
          total += Math.exp(values[(t - 1) * width + token]);
        }
        sum += Math.log(total) - values[(t - 1) * width + tokens[t]];
      }
    }
    return sum;
  }

  @Test
  void writesUntilStopped() {
    try (ModelLearner learner = new ModelLearner(model, BATCH, CONFIG.context(), 1)) {
      Learner.Writer writer = learner.writer();
      List<Integer> written = new ArrayList<>();
      Question question = questions.getFirst();
      writer.likeliest(question.prompt(), question.answer().length, written::add);
      assertThat(written).containsExactlyElementsOf(boxed(question.answer()));
      written.clear();
      writer.likeliest(question.prompt(), 5, token -> !written.add(token));
      assertThat(written).hasSize(1);
    }
  }

  private static List<Integer> boxed(int[] tokens) {
    return Arrays.stream(tokens).boxed().toList();
  }

  @Test
  void invalidScoresAreRejected() {
    assertThat(new Score(965, 966)).hasToString("99.9 % (965 of 966)");
    assertThatThrownBy(() -> new Score(2, 1)).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> new Score(0, 0)).isInstanceOf(IllegalArgumentException.class);
  }
}
