package dev.culebra.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import javax.tools.JavaCompiler;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code Profile.java} on logs written by hand, so that each time can be computed by hand. */
class ProfileToolTest {
  private record Said(int exitCode, String out, String errors) {}

  @TempDir static Path tool;

  @TempDir Path folder;

  @BeforeAll
  static void compile() throws IOException {
    List<String> arguments = new ArrayList<>(List.of("-d", tool.toString()));
    try (Stream<Path> sources = Files.list(Path.of("build-kernels"))) {
      sources.forEach(source -> arguments.add(source.toString()));
    }
    JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
    assertThat(compiler.run(null, null, null, arguments.toArray(String[]::new))).isZero();
  }

  private Said profile(String... arguments) throws IOException, InterruptedException {
    Path ptx = Files.createDirectories(folder.resolve("ptx"));
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of("-cp", tool.toString(), "Profile"));
    command.add(ptx.toString());
    command.addAll(List.of(arguments));
    Path errors = folder.resolve("errors.txt");
    Process process = new ProcessBuilder(command).redirectError(errors.toFile()).start();
    String out = new String(process.getInputStream().readAllBytes());
    return new Said(process.waitFor(), out, Files.readString(errors));
  }

  /**
   * A step of one operation: a launch that reads and writes {@code sectors} each, with as many
   * loads as that, half of each sector unused; and a product of {@code rows} × 1000 × 1000.
   */
  private String log(String name, long sectors, long rows) throws IOException {
    String text =
        """
        culebra-profile 1
        capability 90
        kernel 1 %1$d %1$d %1$d %1$d some_kernel %1$d 1 1 32 1 1 0 pointer/16 7
        module /nowhere.so
        count global_load 10 %1$d %1$d %1$d %1$d %2$d %1$d
        count global_store 20 %1$d %1$d %1$d %1$d %1$d 0
        product 1 %3$d 1000 1000 1 2 2 0 1 0 0 1
        run kernel 0
        run mark begin
        run kernel 0
        run product 0
        run mark end someOperation|%3$d × (8, 9)|0|0
        """
            .formatted(sectors, sectors / 2, rows);
    return Files.writeString(folder.resolve(name), text).toString();
  }

  /**
   * An H200 copies 4262 bytes in a nanosecond, 133,187.5 sectors in a microsecond, and multiplies
   * at 827 TFLOP/s. A launch is 2.2 µs.
   */
  @Test
  void theStepIsExtrapolatedToTheBatch() throws IOException, InterruptedException {
    String one = log("one.txt", 10_000_000, 1_000_000);
    String two = log("two.txt", 16_000_000, 2_000_000);

    Path json = folder.resolve("step.json");
    Said said =
        profile(
            one + ":1", two + ":2", "--batch", "4", "--preset", "tiny", "--json", json.toString());

    assertThat(said.errors()).isEmpty();
    // B=4: 28 million sectors read and as many written; 4 million rows.
    double launch = 2 * 28e6 / 133_187.5 + 2.2;
    double product = 2 * 4e6 * 1e6 / 827e12 * 1e6 + 2.2;
    JsonNode operation =
        JsonMapper.builder().build().readTree(json.toFile()).get("operations").get(0);
    assertThat(operation.get("shape").asText()).isEqualTo("4000000 × (8, 9)");
    assertThat(operation.get("parts").get(0).get("micros").asDouble())
        .isCloseTo(launch, within(0.01));
    assertThat(operation.get("parts").get(1).get("micros").asDouble())
        .isCloseTo(product, within(0.01));
    assertThat(operation.get("micros").asDouble()).isCloseTo(launch + product, within(0.01));
    assertThat(operation.get("boundBy").asText()).isEqualTo("tensor");
    assertThat(said.out())
        .contains("| some_kernel | 1 | 422.7 | memory |")
        .contains("| 50 % | 100 % |");
  }

  @Test
  void measuredTimesStandBesideThePredicted() throws IOException, InterruptedException {
    String one = log("one.txt", 10_000_000, 1_000_000);
    String two = log("two.txt", 16_000_000, 2_000_000);
    Path measured =
        Files.writeString(
            folder.resolve("results.md"),
            """
            NVIDIA H200; driver 580
            ## other
            | someOperation | 2000000 × (8, 9) | 1 | 1.0 | 1 | 1.0 % |
            ## gpt2
            cuda:0 (NVIDIA H200, bf16)
            gpt2, B=2, T=64: 12.50 ms a step (5 turns)
            | operation | shape | calls | µs of a call | all, µs | share |
            | --- | --- | ---: | ---: | ---: | ---: |
            | someOperation | 2000000 × (8, 9) | 1 | 10000.0 | 10000 | 100.0 % |
            ## profile
            | kernel | calls | µs of one | all, µs |
            | some_kernel | 2 | 300.0 | 600 |
            """);

    Path svg = folder.resolve("step.svg");
    Said said =
        profile(
            one + ":1",
            two + ":2",
            "--batch",
            "2",
            "--preset",
            "gpt2",
            "--measured",
            measured.toString(),
            "--svg",
            svg.toString());

    // 2 · 16 million sectors, 4 · 10¹² FLOPs, two launches: 240.3 + 4836.8 + 4.4 µs
    assertThat(said.out())
        .contains(
            "| someOperation | 2000000 × (8, 9) | 1 | 5081.4 | 5081 | 100.0 % | tensor | 10000.0 | -49 % |")
        .contains("measured 10.00 ms: error -49 %; the whole step measured 12.50 ms")
        .contains("| some_kernel | 1 | 242.5 | 300.0 | -19 % |");
    assertThat(Files.readString(svg))
        .startsWith("<svg")
        .contains("someOperation 2000000 × (8, 9)", "measured");
  }

  @Test
  void aSingleLogGivesItsLaunches() throws IOException, InterruptedException {
    Said said = profile(log("one.txt", 3_000_000, 1));

    assertThat(said.out())
        .contains("| some_kernel `3000000 1 1 32 1 1 0 pointer/16 7` | 1 | 47.2 | memory | 45.0 |")
        .contains(
            "| some_kernel | ? | global load | 3,000,000 | 1.0 | 1.0 sectors | 50 % | 50 % |");
  }

  /** What fits into half of the L2 cache is not taken from memory. */
  @Test
  void smallLaunchesStayInTheCache() throws IOException, InterruptedException {
    assertThat(profile(log("one.txt", 100_000, 1)).out()).contains("| L2 | 0.0 | 0.7 |");
  }

  @Test
  void twoBatchesOfOtherLaunchesAreRefused() throws IOException, InterruptedException {
    String one = log("one.txt", 10_000_000, 1_000_000);
    Path two =
        Files.writeString(
            folder.resolve("two.txt"),
            Files.readString(Path.of(one)).replace("some_kernel", "other_kernel"));

    Said said = profile(one + ":1", two + ":2", "--batch", "4");

    assertThat(said.exitCode()).isEqualTo(2);
    assertThat(said.errors())
        .isEqualTo("profile: some_kernel at one batch, other_kernel at the other\n");
  }

  @Test
  void badInputGetsOneLine() throws IOException, InterruptedException {
    String log = log("one.txt", 1000, 1);
    Path other = Files.writeString(folder.resolve("other.txt"), "something else\n");

    assertThat(profile(log, "--gpu", "gtx").errors())
        .isEqualTo("profile: --gpu gtx: known are h200, h100, a100, rtx4090\n");
    assertThat(profile(log, "--batches", "4").errors())
        .isEqualTo("profile: unknown option --batches\n");
    assertThat(profile(other.toString()).errors())
        .contains("not a profile of the simulator")
        .hasLineCount(1);
  }
}
