package dev.culebra.examples;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.culebra.backend.Backend;
import dev.culebra.backend.SamplingSpec;
import dev.culebra.backend.cpu.CpuBackend;
import dev.culebra.checkpoint.CheckpointException;
import dev.culebra.checkpoint.Metrics;
import dev.culebra.checkpoint.MetricsLog;
import dev.culebra.checkpoint.RunDirectory;
import dev.culebra.data.Corpora;
import dev.culebra.data.Corpus;
import dev.culebra.data.DataException;
import dev.culebra.data.DataSpec;
import dev.culebra.data.Dataset;
import dev.culebra.data.NamedDatasets;
import dev.culebra.generate.Generator;
import dev.culebra.nn.Gpt;
import dev.culebra.nn.GptConfig;
import dev.culebra.optim.AdamW;
import dev.culebra.options.Options;
import dev.culebra.text.CharTokenizer;
import dev.culebra.text.TokenDecoder;
import dev.culebra.text.TokenEncoder;
import dev.culebra.text.Tokenizer;
import dev.culebra.text.UnknownCharacterException;
import dev.culebra.train.DataConfig;
import dev.culebra.train.ReportConfig;
import dev.culebra.train.RunFiles;
import dev.culebra.train.TrainConfig;
import dev.culebra.train.TrainListener;
import dev.culebra.train.Trainer;
import dev.culebra.train.TrainingConfig;
import dev.culebra.train.TrainingRun;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A user-defined tokenizer reads texts, and runs are stored and resumed with it. */
class YourOwnTokenizerTest {
  @TempDir Path folder;
  private Path text;

  /** A token for each character of Latin-1. */
  record Latin1() implements Tokenizer {
    @Override
    public String name() {
      return "latin1";
    }

    @Override
    public int vocab() {
      return 256;
    }

    @Override
    public TokenEncoder encoder() {
      return new TokenEncoder() {
        private long read;

        @Override
        public int[] accept(String piece) {
          return piece.chars().map(this::token).toArray();
        }

        private int token(int character) {
          read++;
          if (character >= vocab()) {
            throw new UnknownCharacterException(character, read, vocab());
          }
          return character;
        }

        @Override
        public int[] finish() {
          return new int[0];
        }
      };
    }

    @Override
    public TokenDecoder decoder() {
      return new TokenDecoder() {
        @Override
        public String accept(int token) {
          return Character.toString(token);
        }

        @Override
        public String finish() {
          return "";
        }
      };
    }
  }

  @BeforeEach
  void write() throws IOException {
    text = folder.resolve("text.txt");
    Files.writeString(text, "Über Größe und Maß; und so weiter.\n".repeat(40));
  }

  private static TrainConfig config(int steps) {
    return TrainConfig.of(
        Options.NONE
            .with(GptConfig.LAYERS, 1)
            .with(GptConfig.HEADS, 2)
            .with(GptConfig.EMBD, 16)
            .with(GptConfig.CONTEXT, 16)
            .with(TrainingConfig.BATCH, 4)
            .with(TrainingConfig.MINUTES, 0f)
            .with(TrainingConfig.STEPS, steps)
            .with(TrainingConfig.LR, 0.01f)
            .with(TrainingConfig.MIN_LR, 0.01f)
            .with(TrainingConfig.WARMUP, 0)
            .with(ReportConfig.LOG_EVERY, 1));
  }

  /** Trains up to {@code steps} steps, or resumes; returns 20 characters that the model writes. */
  private String train(Path run, int steps) throws IOException {
    TrainConfig config = config(steps);
    Tokenizer tokenizer = new Latin1();
    try (Corpus corpus = new Corpora(folder).open(DataSpec.of(text.toString()), tokenizer);
        Backend backend = new CpuBackend(1);
        Gpt model = new Gpt(config.model().withVocab(tokenizer.vocab()), backend, 1);
        AdamW optimizer = new AdamW(model.parameters(), config.training().adamW())) {
      model.plan(config.training().batch(), config.model().context());
      try (RunFiles files = RunFiles.beginOrContinue(run, config, tokenizer);
          Trainer trainer =
              new Trainer(model, optimizer, corpus, config, files, TrainListener.NONE)) {
        trainer.run();
      }
      try (Generator generator = new Generator(model)) {
        int[] prompt = tokenizer.encode("Größe");
        return tokenizer.decode(generator.generate(prompt, 20, new SamplingSpec(1, 0, 1), 3));
      }
    }
  }

  @Test
  void aRunResumesToTheBitAndKeepsItsTokenizer() throws IOException {
    Path whole = folder.resolve("whole");
    Path parts = folder.resolve("parts");

    String written = train(whole, 10);
    train(parts, 5);

    assertThat(train(parts, 10)).isEqualTo(written).hasSize(20);
    assertThat(losses(parts)).hasSize(10).isEqualTo(losses(whole));
    assertThat(losses(whole).getLast()).isLessThan(losses(whole).getFirst());
    assertThatThrownBy(
            () -> RunFiles.beginOrContinue(whole, config(20), CharTokenizer.of("another")))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("its tokens or their order differ");
  }

  private static List<Float> losses(Path run) throws IOException {
    return MetricsLog.read(RunDirectory.open(run).metrics(), line -> {}).stream()
        .map(Metrics::loss)
        .toList();
  }

  @Test
  void aCharacterThatItLacksIsNamed() throws IOException {
    Files.writeString(text, "10 €");
    assertThatThrownBy(() -> train(folder.resolve("run"), 1))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("'€' (U+20AC)");
  }

  @Test
  void programsThatDoNotKnowItSaySo() throws IOException {
    Path run = folder.resolve("run");
    train(run, 1);

    try (RunFiles files = RunFiles.open(run)) {
      assertThatThrownBy(files::tokenizer)
          .isInstanceOf(IOException.class)
          .hasMessage(
              "%s names tokenizer \"latin1\", which only the program that defined it can open",
              run.resolve("tokenizer.json"));
    }
  }

  /** It could neither be resumed nor sampled. */
  @Test
  void aTrainingRunRefusesIt() {
    Path run = folder.resolve("run");
    NamedDatasets named =
        new NamedDatasets() {
          @Override
          public List<String> names() {
            return List.of("latin");
          }

          @Override
          public Optional<Dataset> find(String name) {
            return name.equals("latin") ? Optional.of(open()) : Optional.empty();
          }
        };
    TrainConfig config = config(1).with(Options.NONE.with(DataConfig.DATA, "latin"));

    assertThatThrownBy(
            () ->
                TrainingRun.start(
                    config,
                    new Corpora(folder).with(named),
                    () -> RunDirectory.create(run),
                    TrainListener.NONE))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("has a tokenizer that a run cannot open again")
        .hasMessageEndingWith(": give both to a Trainer");
    assertThat(run).doesNotExist();
  }

  private Dataset open() {
    try {
      return new Corpora(folder).open(DataSpec.of(text.toString()), new Latin1());
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }
}
