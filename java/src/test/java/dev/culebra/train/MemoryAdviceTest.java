package dev.culebra.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.withinPercentage;

import dev.culebra.backend.Backend;
import dev.culebra.backend.OutOfDeviceMemoryException;
import dev.culebra.backend.cpu.CpuBackend;
import dev.culebra.data.Corpora;
import dev.culebra.data.DataSpec;
import dev.culebra.data.Dataset;
import dev.culebra.data.TokenizerChoice;
import dev.culebra.nn.Gpt;
import dev.culebra.nn.GptConfig;
import dev.culebra.options.Options;
import dev.culebra.tensor.DType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MemoryAdviceTest {
  private static final int BATCH = 16;
  private static final TrainConfig CONFIG =
      TrainConfig.of(
          Options.NONE
              .with(GptConfig.LAYERS, 2)
              .with(GptConfig.HEADS, 2)
              .with(GptConfig.EMBD, 32)
              .with(GptConfig.CONTEXT, 64)
              .with(TrainingConfig.BATCH, BATCH)
              .with(DataConfig.DATA, "x"));

  @TempDir Path folder;

  private Dataset questions() throws IOException {
    String lines =
        IntStream.range(0, 300)
            .mapToObj(i -> "{\"prompt\": \"what is %d? \", \"completion\": \"%d\"}".formatted(i, i))
            .collect(Collectors.joining("\n"));
    Path file = Files.writeString(folder.resolve("questions.jsonl"), lines);
    return new Corpora(folder).dataset(DataSpec.of(file.toString()), TokenizerChoice.CHAR);
  }

  private Dataset text() throws IOException {
    Path file = Files.writeString(folder.resolve("text.txt"), "what is 1? 1\n".repeat(100));
    return new Corpora(folder).dataset(DataSpec.of(file.toString()), TokenizerChoice.CHAR);
  }

  @Test
  void countsTheMemoryOfSamples() throws IOException {
    try (Dataset text = text();
        Dataset questions = questions()) {
      assertThat(counted(text)).isCloseTo(taken(text), withinPercentage(2));
      assertThat(counted(questions)).isCloseTo(taken(questions), withinPercentage(2));
      assertThat(counted(questions)).isGreaterThan(2 * counted(text));
    }
  }

  private static GptConfig model(Dataset data) {
    return CONFIG.model().withVocab(data.tokenizer().vocab());
  }

  private static long counted(Dataset data) {
    return MemoryAdvice.showcaseBytes(data, model(data), DType.F32, BATCH);
  }

  private static long taken(Dataset data) {
    try (Backend backend = new CpuBackend();
        Gpt gpt = new Gpt(model(data), backend, 1);
        ModelLearner learner = new ModelLearner(gpt, BATCH, CONFIG.model().context(), 1)) {
      long before = backend.memory().liveBytes();
      data.showcase(learner);
      return backend.memory().liveBytes() - before;
    }
  }

  @Test
  void aBatchThatFitsOnlyWithoutQuestionsIsNotSuggestedWithThem() throws IOException {
    try (Dataset text = text();
        Dataset questions = questions()) {
      long available = total(text, BATCH / 2);
      assertThat(advice(text, available)).contains("try ", "batch 8 gradAccum 2");
      assertThat(advice(questions, available)).contains("batch 4 gradAccum 4");
    }
  }

  private static long total(Dataset data, int batch) {
    long others = 40L << 20;
    return Gpt.trainingNeeds(model(data), DType.F32, batch, CONFIG.device().recompute()).total()
        + MemoryAdvice.showcaseBytes(data, model(data), DType.F32, batch)
        + others;
  }

  /** Half a batch would need two million micro-steps. */
  @Test
  void aBatchThatNeedsTooManyMicroStepsIsNotSuggested() throws IOException {
    try (Dataset text = text()) {
      TrainConfig many = CONFIG.with(Options.NONE.with(TrainingConfig.GRAD_ACCUM, 1 << 20));
      assertThat(advice(text, total(text, BATCH / 2), many)).doesNotContain("gradAccum");
    }
  }

  private static String advice(Dataset data, long available) {
    return advice(data, available, CONFIG);
  }

  private static String advice(Dataset data, long available, TrainConfig config) {
    try (Backend backend = new CpuBackend()) {
      OutOfDeviceMemoryException failure = new OutOfDeviceMemoryException("no", available, null);
      return MemoryAdvice.explain(failure, config, data, backend).getMessage();
    }
  }
}
