package dev.culebra.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The command line on a GPU: in its own process, with the simulator as driver. */
class CudaCommandTest {
  private static final Path SIMULATOR =
      Path.of("../native-build/target/simulator").toAbsolutePath().normalize();
  private static final String[] SMALL = {
    "--data=macbeth",
    "--layers=2",
    "--heads=2",
    "--embd=32",
    "--context=32",
    "--batch=4",
    "--log-every=1",
    "--eval-batches=2",
    "--schedule=constant"
  };

  @TempDir Path folder;

  @BeforeAll
  static void needsTheSimulator() throws Exception {
    Path reason = SIMULATOR.resolve("unavailable");
    assumeTrue(
        Files.isDirectory(SIMULATOR.resolve("release")),
        Files.exists(reason) ? Files.readString(reason).strip() : "the simulator was not built");
  }

  private Outcome run(Map<String, String> environment, String... args) throws Exception {
    Map<String, String> all = new HashMap<>(environment);
    all.putIfAbsent("LD_LIBRARY_PATH", SIMULATOR.resolve("release").toString());
    all.put("TMPDIR", folder.toString());
    try (Program program = Program.start(folder, all, Program.commandLine(args))) {
      return program.finish();
    }
  }

  private Outcome train(String out, String... flags) throws Exception {
    List<String> args = new ArrayList<>(List.of("train", "--out=" + folder.resolve(out)));
    args.addAll(List.of(SMALL));
    args.addAll(List.of(flags));
    Outcome outcome = run(Map.of(), args.toArray(String[]::new));
    assertThat(outcome.exitCode()).as("%s", outcome).isZero();
    return outcome;
  }

  private String sample(String run, String... flags) throws Exception {
    List<String> args =
        new ArrayList<>(
            List.of(
                "sample",
                "--run=" + folder.resolve(run),
                "--prompt=The",
                "--tokens=60",
                "--seed=3"));
    args.addAll(List.of(flags));
    Outcome outcome = run(Map.of(), args.toArray(String[]::new));
    assertThat(outcome.exitCode()).as("%s", outcome).isZero();
    return outcome.out();
  }

  @Test
  void infoShowsTheGpuAndTheBindings() throws Exception {
    Outcome info = run(Map.of(), "info");
    assertThat(info.out())
        .contains("gpu 0     CUDA simulator (CPU)")
        .containsPattern("kernels   \\d+, PTX")
        .contains("ffm       libcuda.so.1, libcublas.so.13, libcublasLt.so.13")
        .contains("jcuda     JCuda 12.6.0, libcuda.so.1, libcublas.so.12")
        .contains("device    auto is cuda:0");
  }

  @ParameterizedTest
  @ValueSource(strings = {"ffm", "jcuda"})
  void trainsAndWritesLikeTheCpu(String binding) throws Exception {
    Outcome gpu =
        train("gpu", "--device=cuda", "--binding=" + binding, "--dtype=fp32", "--steps=6");
    assertThat(gpu.out() + gpu.err()).contains("on cuda:0 (CUDA simulator (CPU), fp32)");
    assertThat(gpu.err()).containsPattern("step 6/6  loss .* tokens/s  \\d+\\.\\d TFLOP/s\n");
    train("cpu", "--device=cpu", "--steps=6");
    RunFolder onGpu = new RunFolder(folder.resolve("gpu"));
    RunFolder onCpu = new RunFolder(folder.resolve("cpu"));
    assertThat(sample("gpu", "--device=cuda", "--dtype=fp32", "--binding=" + binding))
        .isEqualTo(sample("cpu", "--device=cpu"));
    assertThat(onGpu.lastStep()).isEqualTo(onCpu.lastStep()).isEqualTo(6);
  }

  @Test
  void anotherProgramsModelWritesTheSameAsOnTheCpu() throws Exception {
    Path model = ModelFolder.copyTo(folder.resolve("model"), "gpt2-f32", "gpt2");
    String[] greedy = {"--temperature=0", "--ignore-eos"};
    assertThat(sample("model", "--device=cuda", "--dtype=fp32", greedy[0], greedy[1]))
        .isEqualTo(sample("model", "--device=cpu", greedy[0], greedy[1]));
    String[] finetune = {
      "train",
      "--init-from=" + model,
      "--data=macbeth",
      "--context=32",
      "--batch=2",
      "--grad-accum=1",
      "--steps=2",
      "--eval-batches=1",
      "--device=cuda",
      "--out=" + folder.resolve("finetuned")
    };
    Outcome outcome = run(Map.of(), finetune);
    assertThat(outcome.exitCode()).as("%s", outcome).isZero();
    sample("finetuned", "--device=cuda");
  }

  @Test
  void aResumedRunInBf16ContinuesToTheBit() throws Exception {
    train("whole", "--device=cuda", "--steps=6", "--dropout=0.1");
    train("parts", "--device=cuda", "--steps=3", "--dropout=0.1");
    RunFolder parts = new RunFolder(folder.resolve("parts"));
    parts.setSteps(6);
    Outcome resumed = run(Map.of(), "train", "--resume", "--out=" + parts.path());
    assertThat(resumed.exitCode()).as("%s", resumed).isZero();
    assertThat(losses(parts)).hasSize(6).isEqualTo(losses(new RunFolder(folder.resolve("whole"))));
  }

  private static List<Float> losses(RunFolder run) {
    return run.steps().stream().map(RunFolder.Step::loss).toList();
  }

  @Test
  void muonTrainsInBf16AndResumesToTheBit() throws Exception {
    train("whole", "--device=cuda", "--steps=6", "--optimizer=muon");
    train("parts", "--device=cuda", "--steps=3", "--optimizer=muon");
    RunFolder parts = new RunFolder(folder.resolve("parts"));
    parts.setSteps(6);
    Outcome resumed = run(Map.of(), "train", "--resume", "--out=" + parts.path());
    assertThat(resumed.exitCode()).as("%s", resumed).isZero();
    assertThat(losses(parts)).hasSize(6).isEqualTo(losses(new RunFolder(folder.resolve("whole"))));
  }

  @Test
  void aRunMovesFromTheCpuToTheGpuAndBack() throws Exception {
    train("run", "--device=cpu", "--steps=4", "--save-every=2");
    RunFolder run = new RunFolder(folder.resolve("run"));
    run.setSteps(8);
    Outcome onGpu =
        run(Map.of(), "train", "--resume", "--out=" + run.path(), "--device=cuda", "--dtype=bf16");
    assertThat(onGpu.exitCode()).as("%s", onGpu).isZero();
    assertThat(run.lastStep()).isEqualTo(8);
    run.setSteps(10);
    Outcome onCpu = run(Map.of(), "train", "--resume", "--out=" + run.path(), "--device=cpu");
    assertThat(onCpu.exitCode()).as("%s", onCpu).isZero();
    assertThat(run.lastStep()).isEqualTo(10);
    assertThat(sample("run", "--device=cuda")).startsWith("The");
    Outcome eval = run(Map.of(), "eval", "--run=" + run.path(), "--device=cuda", "--dtype=fp32");
    Outcome expected = run(Map.of(), "eval", "--run=" + run.path(), "--device=cpu");
    assertThat(eval.out()).isEqualTo(expected.out());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          CULEBRA_SIM_DEVICES=0         | cuda   | no GPU: the driver shows none.*
          CULEBRA_SIM_DEVICES=1         | cuda:2 | no GPU cuda:2: there are 1, from cuda:0
          CULEBRA_SIM_DRIVER=11080      | cuda   | the NVIDIA driver, made for CUDA 11.8, is too old.*: update the driver
          CULEBRA_SIM_CAPABILITY=75     | cuda   | .* has compute capability 7.5, and the kernels need 8.0 or newer
          LD_LIBRARY_PATH=/nowhere      | cuda   | no NVIDIA driver: libcuda.so.1 cannot be loaded; .*
          """)
  void anUnusableGpuIsReportedInOneLine(String setting, String device, String line)
      throws Exception {
    String[] pair = setting.split("=");
    Outcome outcome =
        run(Map.of(pair[0], pair[1]), "train", "--device=" + device, "--out=" + folder + "/no");
    assertThat(outcome.exitCode()).isEqualTo(1);
    assertThat(outcome.err().lines().filter(each -> !each.startsWith("CUDA simulator:")))
        .singleElement()
        .asString()
        .matches("culebra: cuda:\\d cannot be used: " + line);
    assertThat(folder.resolve("no")).doesNotExist();
  }

  /** A folder with the kernels and these libraries of the simulator. */
  private Path simulatorOf(String... libraries) throws IOException {
    Path only = Files.createDirectory(folder.resolve("libraries"));
    for (String library : libraries) {
      Files.copy(
          SIMULATOR.resolve("release").resolve(library),
          only.resolve(library),
          StandardCopyOption.COPY_ATTRIBUTES);
    }
    Files.createSymbolicLink(only.resolve("kernels"), SIMULATOR.resolve("release/kernels"));
    return only;
  }

  private Map<String, String> with(Path libraries) {
    return Map.of(
        "LD_LIBRARY_PATH", libraries.toString(), "CUDA_HOME", "", "HOME", folder.toString());
  }

  @Test
  void productsNeedNoCublasLt() throws Exception {
    Map<String, String> environment = with(simulatorOf("libcuda.so.1", "libcublas.so.13"));
    assertThat(run(environment, "info").out())
        .contains("ffm       libcuda.so.1, libcublas.so.13, no cublasLt: slower products")
        .contains("device    auto is cuda:0");
    trainOneStep(environment, "ffm");
  }

  /** {@code auto} also finds a driver that only a property names. */
  @Test
  void autoSearchesLikeCuda() throws Exception {
    Path release = SIMULATOR.resolve("release");
    Map<String, String> environment =
        Map.of(
            "LD_LIBRARY_PATH",
            "/nowhere",
            "JDK_JAVA_OPTIONS",
            "-Dculebra.libcuda=%s -Dculebra.libcublas=%s"
                .formatted(release.resolve("libcuda.so.1"), release.resolve("libcublas.so.13")));
    assertThat(run(environment, "info").out())
        .contains("driver    unknown, CUDA up to 13.0", "gpu 0     CUDA simulator (CPU)")
        .contains("device    auto is cuda:0");
    trainOneStep(environment, "ffm");
  }

  /** JCublas 12.6 calls cuBLAS 12 only. */
  @Test
  void jcudaWorksWithCublas13() throws Exception {
    Map<String, String> environment =
        with(simulatorOf("libcuda.so.1", "libcublas.so.13", "libcublasLt.so.13"));
    assertThat(run(environment, "info").out())
        .contains(
            "jcuda     JCuda 12.6.0, libcuda.so.1, and through FFM, as JCublas needs cuBLAS 12,"
                + " libcublas.so.13, libcublasLt.so.13");
    trainOneStep(environment, "jcuda");
  }

  private void trainOneStep(Map<String, String> environment, String binding) throws Exception {
    List<String> args = new ArrayList<>(List.of("train", "--out=" + folder.resolve("run")));
    args.addAll(List.of(SMALL));
    args.addAll(List.of("--device=cuda", "--binding=" + binding, "--steps=1"));
    Outcome outcome = run(environment, args.toArray(String[]::new));
    assertThat(outcome.exitCode()).as("%s", outcome).isZero();
    assertThat(new RunFolder(folder.resolve("run")).lastStep()).isEqualTo(1);
  }

  @Test
  void tf32WithBf16Trains() throws Exception {
    train("tf32", "--device=cuda", "--tf32", "--steps=1");
    assertThat(new RunFolder(folder.resolve("tf32")).lastStep()).isEqualTo(1);
  }

  @Test
  void aDriverWithoutCublasIsReported() throws Exception {
    Map<String, String> environment = with(simulatorOf("libcuda.so.1"));
    Outcome outcome = run(environment, "train", "--device=cuda", "--out=" + folder + "/no");
    outcome.assertFails(
        1, "cuda:0 cannot be used: cuBLAS cannot be loaded: no libcublas.so.13 or .*");
  }

  @Test
  void aRunThatDoesNotFitSuggestsOneThatDoes() throws Exception {
    Outcome outcome =
        run(
            Map.of("CULEBRA_SIM_MEMORY", "80000000"),
            "train",
            "--device=cuda",
            "--data=macbeth",
            "--batch=64",
            "--out=" + folder + "/no");
    outcome.assertFails(
        1,
        "not enough memory on cuda:0 .*: this run needs .* \\(parameters .*, gradients .*,"
            + " optimizer .*, activations .*, workspace .*\\), but only 80.0 MB is available;"
            + " try .*--batch \\d+ --grad-accum \\d+");
    assertThat(folder.resolve("no")).doesNotExist();
  }
}
