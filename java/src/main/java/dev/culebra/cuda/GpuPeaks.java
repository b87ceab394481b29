package dev.culebra.cuda;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Peak rates of NVIDIA's GPUs according to NVIDIA: TFLOP/s of dense bf16 matrix products with fp32
 * sums, at the boost clock. Data sheets often give twice that, with 2:4 sparsity, and white papers
 * on GeForce also give twice that with fp16 sums; neither is used here. Sources:
 *
 * <ul>
 *   <li>A30, A40, A100, A800: data sheets; A100 also "NVIDIA A100 Tensor Core GPU Architecture",
 *       table 1
 *   <li>L4, L40, L40S: data sheets (242, 362, 733 with sparsity)
 *   <li>H100, H800, H200, GH200, H20: data sheets; H100 SXM, PCIe, NVL 1,979, 1,513, 1,671 with
 *       sparsity
 *   <li>B200, GB200: "NVIDIA Blackwell Architecture Technical Brief", 4.5 and 5 PFLOP/s with
 *       sparsity
 *   <li>RTX 30: "NVIDIA Ampere GA102 GPU Architecture", appendix A; RTX 40: "NVIDIA Ada GPU
 *       Architecture", appendix A; RTX 50: "NVIDIA RTX Blackwell GPU Architecture", appendix A
 * </ul>
 */
public final class GpuPeaks {
  /**
   * A GPU.
   *
   * @param words the start of its name
   * @param whole whether that is the whole name: RTX 4090 Laptop and 4090 D are other GPUs
   */
  private record Peak(List<String> words, boolean whole, double tflops) {
    boolean fits(List<String> name) {
      return name.size() >= words.size()
          && name.subList(0, words.size()).equals(words)
          && (!whole || name.size() == words.size());
    }
  }

  /** Names with more words come first. */
  private static final List<Peak> PEAKS =
      List.of(
          board("H100 PCIe", 756),
          board("H100 NVL", 835.5),
          board("H200 NVL", 835.5),
          board("H800 PCIe", 756),
          board("A30", 165),
          board("A40", 149.7),
          board("A100", 312),
          board("A800", 312),
          board("L4", 121),
          board("L40", 181),
          board("L40S", 362),
          board("H20", 148),
          board("H100", 989.4),
          board("H200", 989.4),
          board("H800", 989.4),
          board("GH200", 989.4),
          board("B200", 2250),
          board("GB200", 2500),
          geForce("RTX 3080 Ti", 68.2),
          geForce("RTX 3090", 71),
          geForce("RTX 3090 Ti", 80),
          geForce("RTX 4070", 58.3),
          geForce("RTX 4070 Ti", 80.2),
          geForce("RTX 4080", 97.5),
          geForce("RTX 4090", 165.2),
          geForce("RTX 5070", 61.7),
          geForce("RTX 5070 Ti", 87.9),
          geForce("RTX 5080", 112.6),
          geForce("RTX 5090", 209.5));

  private GpuPeaks() {}

  private static Peak board(String name, double tflops) {
    return new Peak(words(name), false, tflops);
  }

  private static Peak geForce(String name, double tflops) {
    return new Peak(words("GeForce " + name), true, tflops);
  }

  private static List<String> words(String name) {
    return Arrays.asList(name.split("[ -]+"));
  }

  /**
   * The peak of a GPU by its name in the driver: {@code NVIDIA H100 80GB HBM3}, {@code NVIDIA
   * A100-SXM4-40GB}.
   *
   * @return 0 if unknown, as for a part of a GPU (MIG)
   */
  public static double bf16Tflops(String name) {
    List<String> words = new ArrayList<>(words(name));
    words.remove("NVIDIA");
    if (words.contains("MIG")) {
      return 0;
    }
    return PEAKS.stream()
        .filter(peak -> peak.fits(words))
        .mapToDouble(Peak::tflops)
        .findFirst()
        .orElse(0);
  }
}
