package dev.culebra.kernels;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/** The tables of compiled kernels, for kernels with known loops and resources. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS) // one build serves all its tests
class KernelProfileTest {
  /** {@code volatile} instructions are neither moved nor changed. */
  private static final String SOURCE =
      """
      __device__ void power(float &x) { asm volatile("ex2.approx.ftz.f32 %0, %0;" : "+f"(x)); }
      __device__ void triple(float &x) { asm volatile("mul.f32 %0, %0, 0f40400000;" : "+f"(x)); }

      extern "C" __global__ void __launch_bounds__(1024) once_f32(float *x) { x[threadIdx.x] *= 2; }

      extern "C" __global__ void __launch_bounds__(32) plain_f32(float *x, int n) {
        float sum = 0;
      #pragma unroll 1
        for (int i = 0; i < n; i++) {
          sum += x[i];
          triple(sum);
          triple(sum);
          power(sum);
        }
        *x = sum;
      }

      extern "C" __global__ void nested_f32(float4 *x, int n) {
        float sum = 0;
      #pragma unroll 1
        for (int i = 0; i < n; i++) {
          power(sum);
      #pragma unroll 1
          for (int j = 0; j < n; j++) {
            float4 four = x[i * n + j];
            sum += four.x + four.y + four.z + four.w;
            triple(sum);
          }
          power(sum);
        }
        x->x = sum;
      }

      extern "C" __global__ void products_bf16(float *x, int n) {
        extern __shared__ float tile[];
        float d0 = 0, d1 = 0, d2 = 0, d3 = 0;
        unsigned at = threadIdx.x * 16, a0, a1, a2, a3;
      #pragma unroll 1
        for (int i = 0; i < n; i++) {
          asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
                       : "=r"(a0), "=r"(a1), "=r"(a2), "=r"(a3) : "r"(at));
          asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" :: "r"(at), "l"(x + i));
      #pragma unroll
          for (int j = 0; j < 4; j++)
            asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%4,%5}, {%0,%1,%2,%3};"
                         : "+f"(d0), "+f"(d1), "+f"(d2), "+f"(d3) : "r"(a0), "r"(a1), "r"(a2), "r"(a3));
      #pragma unroll 1
          for (int j = 0; j < n; j++) {
            power(d0); power(d0); power(d0); power(d0); power(d0); power(d0); power(d0); power(d0);
          }
        }
        x[0] = d0 + d1 + d2 + d3 + tile[0];
      }

      extern "C" __global__ void branching_f32(float *x, int n) {
        float sum = 0;
      #pragma unroll 1
        for (int i = 0; i < n; i++) {
          asm volatile("{ .reg .pred p; setp.lt.f32 p, %0, 0f00000000; @p add.f32 %0, %0, 0f3f800000; "
                       "@!p bra SKIP; mul.f32 %0, %0, 0f40000000; SKIP: }" : "+f"(sum));
              }
        *x = sum;
      }

      extern "C" __global__ void chosen_f32(float *x, const int *what, int n) {
        float sum = *x;
      #pragma unroll 1
        for (int i = 0; i < n; i++) {
          asm volatile("{ LIST: .branchtargets A, B; brx.idx %1, LIST; A: mul.f32 %0, %0, 0f40000000; bra C; "
                       "B: ex2.approx.ftz.f32 %0, %0; C: }" : "+f"(sum) : "r"(what[i] & 1));
        }
        *x = sum;
      }

      extern "C" __global__ void __launch_bounds__(64) holding_f32(float *x) {
        __shared__ float held[12288];
        held[threadIdx.x] = x[threadIdx.x];
        __syncthreads();
        x[threadIdx.x] = held[63 - threadIdx.x];
      }

      extern "C" __global__ void __launch_bounds__(256) wide_f32(float *x) {
        float all[120];
      #pragma unroll
        for (int i = 0; i < 120; i++) asm volatile("ld.global.f32 %0, [%1];" : "=f"(all[i]) : "l"(x + i * 256));
        __syncthreads();
      #pragma unroll
        for (int i = 0; i < 120; i++) asm volatile("st.global.f32 [%1], %0;" :: "f"(all[i]), "l"(x + (119 - i) * 256));
      }
      """;

  private List<String> report;

  @BeforeAll
  void build(@TempDir Path folder) throws Exception {
    KernelBuild.assumeNvcc();
    KernelBuild build = new KernelBuild(folder);
    KernelBuild.Built built = build.build(SOURCE);
    assertThat(built.exitCode()).as(built.said()).isZero();
    report = Files.readAllLines(build.report());
  }

  /** A row of the table of loops, by the titles of its columns. */
  private Map<String, String> loop(String kernel) {
    return row("| kernel | loop |", "| " + kernel + " |");
  }

  private Map<String, String> needs(String kernel, String gpu) {
    return row("| kernel | GPU |", "| " + kernel + " | " + gpu + " |");
  }

  private Map<String, String> row(String head, String start) {
    int table = 0;
    while (!report.get(table).startsWith(head)) {
      table++;
    }
    String[] titles = report.get(table).split("\\s*\\|\\s*");
    String[] cells =
        report.stream()
            .skip(table)
            .filter(line -> line.startsWith(start))
            .findFirst()
            .orElseThrow()
            .split(" ?\\| ?", -1);
    Map<String, String> row = new HashMap<>();
    for (int i = 1; i < titles.length; i++) {
      row.put(titles[i], cells[i].strip());
    }
    return row;
  }

  @Test
  void instructionsOfALoopAreCountedByUnit() {
    assertThat(loop("plain_f32"))
        .containsEntry("depth", "1")
        .containsEntry("loops in it", "0")
        .containsEntry("fp32", "3")
        .containsEntry("special", "1")
        .containsEntry("branches", "1")
        .containsEntry("tensor core", "0")
        .containsEntry("each", "")
        .containsEntry("global B", "4")
        .containsEntry("shared B", "0")
        .containsEntry("loads, stores, copies", "1 × ld.global 4 B");
    int all = Integer.parseInt(loop("plain_f32").get("instructions"));
    int integer = Integer.parseInt(loop("plain_f32").get("integer"));
    assertThat(all).isEqualTo(3 + 1 + 1 + 1 + integer);
    assertThat(integer).isBetween(2, 4); // i, the address, the comparison
  }

  @Test
  void ofNestedLoopsTheInnermostIsTheHottest() {
    assertThat(loop("nested_f32"))
        .containsEntry("depth", "2")
        .containsEntry("special", "0")
        .containsEntry("fp32", "5")
        .containsEntry("loads, stores, copies", "1 × ld.global 16 B");
  }

  @Test
  void aLoopOfProductsIsHotterThanALongerInnerLoop() {
    assertThat(loop("products_bf16"))
        .containsEntry("depth", "1")
        .containsEntry("loops in it", "1")
        .containsEntry("tensor core", "4")
        .containsEntry("FLOPs", "4096") // 2 · 16 · 8 · 16
        .containsEntry("special", "0")
        .containsEntry("global B", "16")
        .containsEntry("shared B", "16")
        .containsEntry("shared B each", "4.0")
        .containsEntry("loads, stores, copies", "1 × cp.async 16 B, 1 × ld.shared 16 B");
    int all = Integer.parseInt(loop("products_bf16").get("instructions"));
    assertThat(loop("products_bf16"))
        .containsEntry("each", String.format(Locale.ROOT, "%.1f", all / 4.0))
        .containsEntry("an instruction", "" + 4 * 4096 / all);
  }

  @Test
  void branchesAndPredicatedInstructionsAreCounted() {
    assertThat(loop("branching_f32"))
        .containsEntry("branches", "2")
        .containsEntry("predicated", "1")
        .containsEntry("fp32", "3")
        .containsEntry("global B", "0");
  }

  @Test
  void targetsOfABranchTableBelongToTheLoop() {
    assertThat(loop("chosen_f32"))
        .containsEntry("depth", "1")
        .containsEntry("fp32", "1")
        .containsEntry("special", "1")
        .containsEntry("branches", "3");
  }

  @Test
  void aKernelWithoutLoopsHasNone() {
    assertThat(loop("once_f32")).containsEntry("loop", "none").containsEntry("instructions", "");
  }

  /**
   * From the CUDA Programming Guide: 64 warps, 32 blocks, 164 and 228 KiB, of which 1 KiB per block
   * is reserved.
   */
  @Test
  void residentWarpsAndWhatLimitsThem() {
    assertThat(needs("once_f32", "sm_80"))
        .containsEntry("threads", "1024")
        .containsEntry("resident blocks", "2")
        .containsEntry("resident warps", "64")
        .containsEntry("limit", "warps");
    assertThat(needs("plain_f32", "sm_90"))
        .containsEntry("resident warps", "32")
        .containsEntry("limit", "blocks");
    assertThat(needs("holding_f32", "sm_80"))
        .containsEntry("shared memory", "49152")
        .containsEntry("resident blocks", "3")
        .containsEntry("resident warps", "6")
        .containsEntry("limit", "shared memory");
    assertThat(needs("holding_f32", "sm_100")).containsEntry("resident blocks", "4");
    assertThat(needs("nested_f32", "sm_90"))
        .containsEntry("threads", "?")
        .containsEntry("resident warps", "?");
    assertThat(needs("products_bf16", "sm_90")).containsEntry("shared memory", "0 +");
  }

  @Test
  void registersAreAllocatedPerQuarterOfAMultiprocessor() {
    Map<String, String> wide = needs("wide_f32", "sm_80");
    // 120 values and an address: 128 registers are 4 warps in a quarter, more are 3 (up to 168).
    int registers = Integer.parseInt(wide.get("registers"));
    assertThat(registers).isBetween(121, 168);
    assertThat(wide)
        .containsEntry("resident blocks", registers <= 128 ? "2" : "1")
        .containsEntry("limit", "registers");
  }

  @Test
  void theCodeSizeIsAMultipleOfAnInstruction() {
    for (String gpu : List.of("sm_80", "sm_90", "sm_100")) {
      int code = Integer.parseInt(needs("wide_f32", gpu).get("code"));
      assertThat(code).isGreaterThan(240 * 16).isLessThan(1000 * 16);
      assertThat(code % 128).isZero();
    }
  }
}
