package dev.culebra.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.culebra.data.TokenizerFolder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code culebra export}, and that what it writes is read again. */
class ExportCommandTest {
  private static final String[] SAMPLE = {
    "--prompt=the cat", "--tokens=12", "--temperature=0", "--ignore-eos"
  };

  @TempDir static Path folder;
  private static RunFolder characters;
  private static RunFolder words;
  private static Path model;
  private static Path text;

  @BeforeAll
  static void train() throws IOException {
    model = ModelFolder.copyTo(folder.resolve("fixture"), "gpt2-f32", "gpt2");
    text = Files.writeString(folder.resolve("text.txt"), "the cat sat on the mat. ".repeat(60));
    characters = new RunFolder(folder.resolve("characters"));
    culebra(characters.train("--data=" + text, "--steps=20", "--lr=1e-2"));
    words = new RunFolder(folder.resolve("words"));
    culebra(words.train("--data=" + text, "--steps=3", "--tokenizer=gpt2", "--bias"));
  }

  private static Outcome culebra(String... args) {
    Outcome outcome = Outcome.of(args);
    assertThat(outcome.exitCode()).as("%s", outcome).isZero();
    return outcome;
  }

  private static Outcome export(Path run, String format, Path out, String... more) {
    Stream<String> args = Stream.of("export", "--run=" + run, "--format=" + format, "--out=" + out);
    return Outcome.of(Stream.concat(args, Arrays.stream(more)).toArray(String[]::new));
  }

  private static String sample(Path path) {
    Stream<String> args = Stream.of("sample", "--run=" + path);
    return culebra(Stream.concat(args, Arrays.stream(SAMPLE)).toArray(String[]::new)).out();
  }

  private static List<String> files(Path directory) throws IOException {
    try (Stream<Path> files = Files.list(directory)) {
      return files.map(file -> file.getFileName().toString()).sorted().toList();
    }
  }

  @Test
  void anExportedCharacterModelWritesTheSameText() throws IOException {
    Path out = folder.resolve("characters-hf");
    Outcome outcome = export(characters.path(), "hf", out);
    assertThat(outcome.exitCode()).as("%s", outcome).isZero();

    assertThat(outcome.out()).contains("bytes  " + out.resolve("model.safetensors"));
    assertThat(files(out))
        .containsExactly(
            "config.json",
            "generation_config.json",
            "model.safetensors",
            "tokenizer.json",
            "tokenizer_config.json");
    assertThat(TokenizerFolder.open(out)).isEqualTo(TokenizerFolder.open(characters.path()));
    JsonNode config = JsonMapper.builder().build().readTree(out.resolve("config.json").toFile());
    assertThat(config.get("bos_token_id").isNull()).isTrue();
    assertThat(config.get("eos_token_id").isNull()).isTrue();
    assertThat(sample(out)).isEqualTo(sample(characters.path()));
    String[] eval = {"--data=" + text, "--json"};
    assertThat(figures(out, eval)).isEqualTo(figures(characters.path(), eval));
  }

  private static JsonNode figures(Path path, String... flags) throws IOException {
    String out = culebra("eval", "--run=" + path, flags[0], flags[1]).out();
    return JsonMapper.builder().build().readTree(out).path("loss");
  }

  @Test
  void gpt2sTokenizerIsWrittenOut() throws IOException {
    Path out = folder.resolve("words-hf");
    assertThat(export(words.path(), "hf", out).exitCode()).isZero();
    JsonMapper json = JsonMapper.builder().build();
    JsonNode generation = json.readTree(out.resolve("generation_config.json").toFile());
    assertThat(generation.get("bos_token_id").intValue()).isEqualTo(50256);
    assertThat(generation.get("eos_token_id").intValue()).isEqualTo(50256);
    assertThat(out.resolve("merges.txt"))
        .content()
        .startsWith("#version: 0.2\nĠ t\nĠ a\nh e\ni n\nr e\no n\nĠt he\n")
        .endsWith("\nĠg azed\n");
    assertThat(sample(out)).isEqualTo(sample(words.path()));
  }

  @ParameterizedTest
  @ValueSource(strings = {"hf", "llmc"})
  void anExportedModelIsExportedToTheSameBytes(String format) throws IOException {
    Path once = folder.resolve("once-" + format);
    Path twice = folder.resolve("twice-" + format);
    assertThat(export(model, format, once).exitCode()).isZero();
    Path read = format.equals("hf") ? once : once.resolve("model.bin");
    assertThat(export(read, format, twice).exitCode()).isZero();
    assertThat(files(twice)).isEqualTo(files(once));
    for (String name : files(once)) {
      assertThat(twice.resolve(name)).as(name).hasSameBinaryContentAs(once.resolve(name));
    }
    assertThat(sample(read)).isEqualTo(sample(model));
  }

  @ParameterizedTest
  @CsvSource({"llama3-rope-f32,llama3", "qwen2-f32,qwen2", "qwen3-f32,qwen2"})
  void otherArchitecturesAreSampledFinetunedAndExportedToo(String name, String tokenizer)
      throws IOException {
    Path source = ModelFolder.copyTo(folder.resolve(name), name, tokenizer);
    Path out = folder.resolve(name + "-out");
    assertThat(export(source, "hf", out).exitCode()).isZero();
    assertThat(sample(out)).isEqualTo(sample(source));
    RunFolder run = new RunFolder(folder.resolve(name + "-run"));
    culebra(
        "train",
        "--init-from=" + source,
        "--data=" + text,
        "--out=" + run.path(),
        "--context=32",
        "--batch=2",
        "--grad-accum=1",
        "--steps=1",
        "--lr=1e-30",
        "--min-lr=0");
    Path again = folder.resolve(name + "-again");
    assertThat(export(run.path(), "hf", again).exitCode()).isZero();
    assertThat(again.resolve("model.safetensors"))
        .hasSameBinaryContentAs(out.resolve("model.safetensors"));
  }

  @Test
  void llmCGetsAFileOfWeightsAndOneOfTokens() throws IOException {
    for (RunFolder run : List.of(characters, words)) {
      Path out = folder.resolve(run.path().getFileName() + "-llmc");
      assertThat(export(run.path(), "llmc", out, "--dtype=bf16").exitCode()).isZero();
      assertThat(files(out)).containsExactly("gpt2_tokenizer.bin", "model.bin");
      assertThat(sample(out.resolve("model.bin"))).startsWith("the cat");
    }
  }

  @Test
  void nothingIsReplacedUnlessRequested() throws IOException {
    Path out = Files.createDirectory(folder.resolve("taken"));
    assertThat(export(model, "hf", out).exitCode()).isZero();
    byte[] before = Files.readAllBytes(out.resolve("model.safetensors"));
    export(model, "hf", out, "--dtype=bf16")
        .assertFails(1, ".*taken already holds files: --overwrite replaces them");
    assertThat(out.resolve("model.safetensors")).hasBinaryContent(before);
    assertThat(export(model, "hf", out, "--dtype=bf16", "--overwrite").exitCode()).isZero();
    assertThat(Files.size(out.resolve("model.safetensors"))).isLessThan(before.length * 2 / 3);
  }

  @Test
  void modelsThatTheFormatCannotExpressAreRefusedAndNothingIsWritten() throws IOException {
    RunFolder run = new RunFolder(folder.resolve("capped"));
    culebra(run.train("--data=" + text, "--steps=1", "--softcap=15", "--activation=relu_squared"));
    Path out = folder.resolve("never/there");
    export(run.path(), "hf", out)
        .assertFails(
            1,
            "transformers cannot express a GPT-2 model with --softcap 15, --activation relu_squared");
    export(folder.resolve("gone"), "hf", out)
        .assertFails(1, "no such run directory or model: .*gone");
    export(model, "onnx", out)
        .assertFails(2, "invalid value for option '--format': 'onnx' is not one of hf, llmc .*");
    assertThat(out.getParent()).doesNotExist();
    Path file = Files.createFile(folder.resolve("a file"));
    export(model, "hf", file).assertFails(1, "cannot write to .*a file: .*");
  }
}
