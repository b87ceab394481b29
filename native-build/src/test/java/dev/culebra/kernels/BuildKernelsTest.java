package dev.culebra.kernels;

import static dev.culebra.kernels.KernelBuild.assumeNvcc;
import static dev.culebra.kernels.KernelBuild.index;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The built kernels, and how the build handles errors. */
class BuildKernelsTest {
  private static final Path SOURCES = Path.of("../cuda-kernels");

  private static final String SOUND =
      "extern \"C\" __global__ void twice_f32(float *x) { x[threadIdx.x] *= 2; }\n";

  /** An array that is indexed by data cannot be in registers. */
  private static final String WITH_A_STACK =
      """
      extern "C" __global__ void stacked(float *x, const int *at) {
        float local[64];
        for (int i = 0; i < 64; i++) local[at[i] & 63] = x[i];
        for (int i = 0; i < 64; i++) x[i] = local[at[i + 64] & 63];
      }
      """;

  /** Uses an instruction of one GPU only; without launch bounds ptxas ignores it. */
  private static final String FOR_HOPPER =
      """
      // target compute_90a
      extern "C" __global__ void __launch_bounds__(128, 1) reduced(float *x) {
        asm volatile("setmaxnreg.dec.sync.aligned.u32 24;");
        x[threadIdx.x] *= 2;
      }
      """;

  @TempDir private Path folder;

  private KernelBuild.Built build(String source) throws IOException, InterruptedException {
    return new KernelBuild(folder).build(source);
  }

  @Test
  void eachSourceIsAModuleWithEntriesForBothTypes() throws IOException {
    assumeNvcc();
    JsonNode entries = index(KernelBuild.BUILT).get("entries");
    TreeSet<String> modules = new TreeSet<>();
    entries.forEach(entry -> modules.add(entry.get("module").asText()));
    try (Stream<Path> files = Files.list(SOURCES)) {
      assertThat(modules)
          .isEqualTo(
              files
                  .map(file -> file.getFileName().toString())
                  .filter(name -> name.endsWith(".cu"))
                  .map(name -> name.replace(".cu", ""))
                  .collect(Collectors.toCollection(TreeSet::new)));
    }
    assertThat(modules)
        .allSatisfy(name -> assertThat(KernelBuild.BUILT.resolve(name + ".ptx")).exists());
    entries
        .fieldNames()
        .forEachRemaining(
            name -> {
              boolean forTensorCores =
                  entries.get(name).get("module").asText().matches(".*_(mma|hopper_.*)");
              boolean besideAnother = name.matches(".*_(held|streamed|overlapped)_.*");
              if (name.endsWith("_bf16") && !forTensorCores && !besideAnother) {
                assertThat(entries.has(name.replace("_bf16", "_f32"))).as(name).isTrue();
              }
            });
  }

  @Test
  void everyEntryIsAssembledForEveryGpu() throws IOException {
    assumeNvcc();
    JsonNode index = index(KernelBuild.BUILT);
    long expected = 0;
    for (JsonNode entry : index.get("entries")) {
      expected += index.get("targets").get(entry.get("target").asText()).get("assembledFor").size();
    }
    assertThat(Files.readAllLines(Path.of("target/kernels.md")))
        .filteredOn(line -> line.matches("\\| \\w+ \\| sm_\\d+a? \\|.*"))
        .hasSize(Math.toIntExact(expected));
  }

  @Test
  void withoutNvccTheIndexSaysWhatToDo() throws Exception {
    Files.writeString(folder.resolve("module.cu"), SOUND);
    KernelBuild.Built built =
        new KernelBuild(folder).build(Map.of("NVCC", "/nowhere/nvcc"), List.of());

    assertThat(built.exitCode()).isZero();
    assertThat(built.said()).contains("nvcc was not found", "CUDA_HOME");
    assertThat(index(folder.resolve("ptx")).get("problem").asText()).contains("CUDA_HOME");
  }

  @Test
  void theSecondBuildDoesNothing() throws Exception {
    assumeNvcc();
    assertThat(build(SOUND).exitCode()).isZero();
    assertThat(build(SOUND).said()).contains("up to date");
    assertThat(build(SOUND.replace("*= 2", "*= 3")).said()).contains("compiling 1 of 1 modules");
    assertThat(index(folder.resolve("ptx")).at("/entries/twice_f32/parameters/0").asText())
        .isEqualTo("u64");
  }

  @Test
  void onlyChangedModulesAreRecompiled() throws Exception {
    assumeNvcc();
    Path header = Files.writeString(folder.resolve("factor.cuh"), "constexpr float FACTOR = 2;\n");
    Files.writeString(
        folder.resolve("scale.cu"),
        """
        #include "factor.cuh"
        extern "C" __global__ void scale_f32(float *x) { x[threadIdx.x] *= FACTOR; }
        """);
    assertThat(build(SOUND).said()).contains("compiling 2 of 2 modules");
    Files.writeString(header, "constexpr float FACTOR = 3;\n");
    assertThat(build(SOUND).said()).contains("compiling 1 of 2 modules");
    assertThat(folder.resolve("kernels.md")).content().contains("scale_f32", "twice_f32");
    Files.delete(folder.resolve("scale.cu"));
    assertThat(build(SOUND).said()).contains("compiling 0 of 1 modules");
    assertThat(folder.resolve("ptx/scale.ptx")).doesNotExist();
    assertThat(index(folder.resolve("ptx")).get("entries").fieldNames())
        .toIterable()
        .containsExactly("twice_f32");
  }

  @Test
  void aKernelWithAStackFailsUnlessItsSourceGivesAReason() throws Exception {
    assumeNvcc();
    KernelBuild.Built built = build(WITH_A_STACK);
    assertThat(built.exitCode()).isOne();
    assertThat(built.said()).contains("stacked for sm_80 has a stack of");
    assertThat(folder.resolve("ptx/index.json")).doesNotExist();

    assertThat(build("// spills stacked: a test\n" + WITH_A_STACK).exitCode()).isZero();
  }

  @Test
  void aSourceNamesItsTarget() throws Exception {
    assumeNvcc();
    assertThat(build(FOR_HOPPER).exitCode()).isZero();
    assertThat(index(folder.resolve("ptx")).at("/entries/reduced/target").asText())
        .isEqualTo("compute_90a");
    assertThat(folder.resolve("ptx/module.ptx"))
        .content()
        .contains(".version 8.1", ".target sm_90a");
    assertThat(folder.resolve("kernels.md")).content().contains("sm_90a").doesNotContain("sm_80");
  }

  @Test
  void anUnknownTargetFails() throws Exception {
    assumeNvcc();
    KernelBuild.Built built = build("// target compute_70\n" + SOUND);
    assertThat(built.exitCode()).isOne();
    assertThat(built.said()).contains("module.cu: no target is called compute_70");
  }

  @Test
  void codeThatTheAssemblerChangesFails() throws Exception {
    assumeNvcc();
    KernelBuild.Built built = build(FOR_HOPPER.replace("__launch_bounds__(128, 1)", ""));
    assertThat(built.exitCode()).isOne();
    assertThat(built.said()).contains("module.cu, sm_90a:", "'setmaxnreg' ignored");
  }

  @Test
  void compilerErrorsAreShown() throws Exception {
    assumeNvcc();
    KernelBuild.Built built = build(SOUND.replace("threadIdx", "threadIdy"));
    assertThat(built.exitCode()).isOne();
    assertThat(built.said()).contains("module.cu(1): error", "threadIdy");
  }
}
