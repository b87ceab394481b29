package dev.culebra.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class GpuPeaksTest {

  @ParameterizedTest
  @CsvSource({
    "NVIDIA H100 80GB HBM3, 989.4",
    "NVIDIA H100 PCIe, 756",
    "NVIDIA H100 NVL, 835.5",
    "NVIDIA H200, 989.4",
    "NVIDIA H200 NVL, 835.5",
    "NVIDIA GH200 480GB, 989.4",
    "NVIDIA GB200, 2500",
    "NVIDIA B200, 2250",
    "NVIDIA A100-SXM4-80GB, 312",
    "NVIDIA A100 80GB PCIe, 312",
    "A100-PCIE-40GB, 312",
    "NVIDIA L4, 121",
    "NVIDIA L40, 181",
    "NVIDIA L40S, 362",
    "NVIDIA GeForce RTX 3090, 71",
    "NVIDIA GeForce RTX 3090 Ti, 80",
    "NVIDIA GeForce RTX 4090, 165.2",
    "NVIDIA GeForce RTX 5090, 209.5"
  })
  void namesAreThoseOfTheDriver(String name, double tflops) {
    assertThat(GpuPeaks.bf16Tflops(name)).isEqualTo(tflops);
  }

  /** Another chip, or a part of one. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "NVIDIA H100 80GB HBM3 MIG 1g.10gb",
        "NVIDIA GeForce RTX 4090 D",
        "NVIDIA GeForce RTX 4090 Laptop GPU",
        "NVIDIA GeForce RTX 4080 SUPER",
        "NVIDIA RTX 4000 Ada Generation",
        "NVIDIA A10",
        "NVIDIA A1000",
        "CUDA simulator (CPU)",
        ""
      })
  void unknownGpusHaveNoPeak(String name) {
    assertThat(GpuPeaks.bf16Tflops(name)).isZero();
  }
}
