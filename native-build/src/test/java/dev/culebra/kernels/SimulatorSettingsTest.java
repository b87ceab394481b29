package dev.culebra.kernels;

import static org.assertj.core.api.Assertions.assertThat;

import dev.culebra.kernels.KernelRun.Build;
import dev.culebra.kernels.KernelRun.Launch;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The device as configured by the environment. */
class SimulatorSettingsTest {
  @BeforeEach
  void needsTheSimulator() {
    TestDevice.assumeSimulator();
  }

  private static String run(String setting, String value) {
    Launch launch = new Launch("planted_bugs", "trap", 1, 64, 0, 0);
    return KernelRun.of(Build.RELEASE, launch, Map.of(setting, value)).said();
  }

  @Test
  void anOldDriverCannotReadThePtx() {
    assertThat(run("CULEBRA_SIM_DRIVER", "11080")).contains("CUDA_ERROR_UNSUPPORTED_PTX_VERSION");
  }

  @Test
  void anOldDeviceCannotRunIt() {
    assertThat(run("CULEBRA_SIM_CAPABILITY", "75")).contains("CUDA_ERROR_NO_BINARY_FOR_GPU");
  }

  /** PTX for sm_90a runs on capability 9.0 only, not on newer ones. */
  @Test
  void aNewerDeviceCannotRunHopperOnlyPtx() {
    Launch launch = new Launch("hopper_primitives", "stmatrix_x4", 1, 32, 4096, 0);
    Map<String, String> newer = Map.of("CULEBRA_SIM_CAPABILITY", "100");
    assertThat(KernelRun.of(Build.RELEASE, launch, newer).said())
        .contains("CUDA_ERROR_NO_BINARY_FOR_GPU");
    assertThat(KernelRun.of(Build.RELEASE, launch).ended()).isTrue();
  }

  @Test
  void noDevice() {
    assertThat(run("CULEBRA_SIM_DEVICES", "0")).contains("cuInit", "CUDA_ERROR_NO_DEVICE");
  }

  @Test
  void littleMemory() {
    assertThat(run("CULEBRA_SIM_MEMORY", "4000"))
        .contains("cuMemAlloc", "CUDA_ERROR_OUT_OF_MEMORY");
  }

  @Test
  void eagerStreamsAndOneThreadChangeNothing() {
    String usual = run("CULEBRA_SIM_STREAMS", "lazy");
    assertThat(usual).startsWith("0 1 2 3");
    assertThat(run("CULEBRA_SIM_STREAMS", "eager")).isEqualTo(usual);
    assertThat(run("CULEBRA_SIM_THREADS", "1")).isEqualTo(usual);
  }
}
