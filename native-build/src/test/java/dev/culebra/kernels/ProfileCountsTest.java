package dev.culebra.kernels;

import static org.assertj.core.api.Assertions.assertThat;

import dev.culebra.kernels.KernelRun.Build;
import dev.culebra.kernels.KernelRun.Launch;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Counts of the profile build, of kernels whose accesses can be counted by hand. */
class ProfileCountsTest {
  /** Of an instruction; the meaning of each is in {@code profile_counts.h}. */
  private record Count(
      String event, long requests, long lanes, long work, long moved, long least, long first) {
    static Count of(String line) {
      String[] words = line.split(" ");
      long[] numbers = Arrays.stream(words).skip(3).mapToLong(Long::parseLong).toArray();
      return new Count(
          words[1], numbers[0], numbers[1], numbers[2], numbers[3], numbers[4], numbers[5]);
    }
  }

  /** What a launch touches: bytes and sectors that it reads and writes. */
  private record Touched(
      long readBytes, long readSectors, long writtenBytes, long writtenSectors) {}

  private record Profile(List<String> lines) {
    List<Count> counts(String event) {
      return lines.stream()
          .filter(line -> line.startsWith("count " + event + " "))
          .map(Count::of)
          .toList();
    }

    Count count(String event) {
      List<Count> all = counts(event);
      assertThat(all).as(event).hasSize(1);
      return all.getFirst();
    }

    Touched touched() {
      String kernel = lines.stream().filter(line -> line.startsWith("kernel ")).findFirst().get();
      long[] words =
          Arrays.stream(kernel.split(" ")).skip(1).limit(5).mapToLong(Long::parseLong).toArray();
      return new Touched(words[1], words[2], words[3], words[4]);
    }
  }

  @TempDir static Path folder;

  @BeforeAll
  static void build() throws IOException, InterruptedException {
    TestDevice.assumeSimulator();
    Process build =
        new ProcessBuilder(
                "simulator/build.sh",
                KernelBuild.BUILT.toString(),
                "target/simulator",
                "--profile",
                "profile_counts")
            .redirectErrorStream(true)
            .start();
    String said = new String(build.getInputStream().readAllBytes());
    assertThat(build.waitFor()).as(said).isZero();
  }

  private static Profile run(String kernel, int blocks, int threads, int... flags)
      throws IOException {
    Path file = folder.resolve("profile.txt");
    KernelRun run =
        KernelRun.of(
            Build.PROFILE,
            new Launch("profile_counts", kernel, blocks, threads, 0, flags),
            Map.of("CULEBRA_SIM_PROFILE", file.toString()));
    assertThat(run.ended()).as(run.said()).isTrue();
    return new Profile(Files.readAllLines(file));
  }

  private static Profile run(String kernel, int flag) throws IOException {
    return run(kernel, 1, 32, flag);
  }

  /** 32 floats, so far apart: in 4 sectors side by side, at most one each, and 1 if all are one. */
  @ParameterizedTest
  @CsvSource({"1, 4, 4", "2, 8, 4", "3, 12, 4", "8, 32, 4", "0, 1, 1"})
  void stridedLoads(int stride, int sectors, int least) throws IOException {
    Profile profile = run("strided_loads", stride);

    assertThat(profile.count("global_load"))
        .isEqualTo(new Count("global_load", 1, 32, 128, sectors, least, sectors));
    assertThat(profile.count("global_store"))
        .isEqualTo(new Count("global_store", 1, 32, 128, 4, 4, 0));
    long bytes = stride == 0 ? 4 : 128;
    assertThat(profile.touched()).isEqualTo(new Touched(bytes, sectors, 128, 4));
  }

  /**
   * A load of 16 bytes is one request, and half a sector more where it begins in the middle of one.
   */
  @ParameterizedTest
  @CsvSource({"0, 16", "4, 17", "8, 16"})
  void packs(int floatsOff, int sectors) throws IOException {
    Profile profile = run("packs", floatsOff);

    assertThat(profile.count("global_load"))
        .isEqualTo(new Count("global_load", 1, 32, 512, sectors, 16, sectors));
    assertThat(profile.count("global_store"))
        .isEqualTo(new Count("global_store", 1, 32, 512, 16, 16, 0));
  }

  /** A second block has an L1 cache of its own, but the same bytes. */
  @Test
  void blocksReadTheSame() throws IOException {
    Profile profile = run("packs", 2, 32, 0);

    assertThat(profile.count("global_load"))
        .isEqualTo(new Count("global_load", 2, 64, 1024, 32, 32, 32));
    assertThat(profile.touched()).isEqualTo(new Touched(512, 16, 512, 16));
  }

  /** Turns of 24, 16 and 8 lanes: 3 requests of 3, 2 and 1 sectors. Every second lane stores. */
  @Test
  void divergentLanes() throws IOException {
    Profile profile = run("divergent", 0);

    assertThat(profile.count("global_load"))
        .isEqualTo(new Count("global_load", 3, 48, 192, 6, 6, 6));
    assertThat(profile.count("global_store"))
        .isEqualTo(new Count("global_store", 1, 16, 64, 4, 2, 0));
  }

  /**
   * The second warp has 16 lanes, of which 8 make one turn, over a sector that the first has read.
   */
  @Test
  void partOfAWarp() throws IOException {
    Profile profile = run("divergent", 1, 48, 0);

    assertThat(profile.count("global_load"))
        .isEqualTo(new Count("global_load", 4, 56, 224, 7, 7, 6));
    assertThat(profile.count("global_store"))
        .isEqualTo(new Count("global_store", 2, 24, 96, 6, 3, 0));
  }

  /** A stride of words is as many lanes to a bank as it has powers of two; an odd one has none. */
  @ParameterizedTest
  @CsvSource({"1, 1", "2, 2", "3, 1", "4, 4", "8, 8", "16, 16", "32, 32", "33, 1"})
  void bankConflicts(int stride, int wavefronts) throws IOException {
    Profile profile = run("banks", stride);

    assertThat(profile.count("shared_load"))
        .isEqualTo(new Count("shared_load", 1, 32, 128, wavefronts, 1, 0));
    assertThat(profile.count("shared_store"))
        .isEqualTo(new Count("shared_store", 1, 32, 128, 1, 1, 0));
    assertThat(profile.count("barrier").requests()).isEqualTo(1);
  }

  /** 512 bytes are four wavefronts, in any order. */
  @Test
  void packsInBanks() throws IOException {
    Profile profile = run("banks", 0);

    assertThat(profile.count("shared_store"))
        .isEqualTo(new Count("shared_store", 1, 32, 512, 4, 4, 0));
    assertThat(profile.count("shared_load"))
        .isEqualTo(new Count("shared_load", 1, 32, 512, 4, 4, 0));
  }

  /** Of 8 bytes a lane two wavefronts, of half a warp each. */
  @ParameterizedTest
  @CsvSource({"1, 2", "2, 4", "4, 8"})
  void pairsInBanks(int stride, int wavefronts) throws IOException {
    assertThat(run("pairs_in_banks", stride).count("shared_load"))
        .isEqualTo(new Count("shared_load", 1, 32, 256, wavefronts, 2, 0));
  }

  /** Rows of a matrix 128 bytes apart lie in the same four banks, and swizzled in all of them. */
  @ParameterizedTest
  @CsvSource({"0, 32", "1, 4"})
  void matricesWithAndWithoutSwizzle(int flag, int wavefronts) throws IOException {
    Profile profile = run("matrices", flag);

    assertThat(profile.count("matrix_load"))
        .isEqualTo(new Count("matrix_load", 1, 32, 512, wavefronts, 4, 0));
    assertThat(profile.count("mma")).isEqualTo(new Count("mma", 2, 64, 2 * 4096, 0, 0, 0));
    assertThat(profile.count("shared_store"))
        .isEqualTo(new Count("shared_store", 8, 256, 4096, 32, 32, 0));
  }

  @ParameterizedTest
  @CsvSource({"1, 4", "8, 32", "0, 1"})
  void atomics(int stride, int sectors) throws IOException {
    Profile profile = run("atomics", stride);

    assertThat(profile.count("global_atomic"))
        .isEqualTo(new Count("global_atomic", 1, 32, 128, sectors, stride == 0 ? 1 : 4, 0));
    assertThat(profile.count("shared_atomic"))
        .isEqualTo(new Count("shared_atomic", 1, 32, 128, 1, 1, 0));
  }

  @Test
  void copiesSpecialFunctionsVotesAndShuffles() throws IOException {
    Profile profile = run("copies_and_others", 0);

    assertThat(profile.count("global_copy"))
        .isEqualTo(new Count("global_copy", 1, 16, 256, 8, 8, 0));
    assertThat(profile.count("shared_copy"))
        .isEqualTo(new Count("shared_copy", 1, 32, 512, 4, 4, 0));
    assertThat(profile.counts("special"))
        .containsExactlyInAnyOrder(
            new Count("special", 1, 32, 32, 0, 0, 0), new Count("special", 1, 8, 8, 0, 0, 0));
    assertThat(profile.count("vote").requests()).isEqualTo(1);
    assertThat(profile.counts("shuffle").stream().mapToLong(Count::requests).sum()).isEqualTo(6);
    assertThat(profile.touched()).isEqualTo(new Touched(256, 8, 128, 4));
  }

  /** One of these floats a lane is 4 banks on from the last: 16 bytes asked for, 4 used. */
  @Test
  void loadsOfAPartOfAPack() throws IOException {
    assertThat(run("copies_and_others", 0).count("shared_load"))
        .isEqualTo(new Count("shared_load", 1, 32, 128, 4, 1, 0));
  }

  /** The second launch equals the first and does not run; the third has another number. */
  @Test
  void equalLaunchesAreCountedOnce() throws IOException {
    Profile profile = run("strided_loads", 1, 32, 1, 1, 2);

    assertThat(profile.lines()).containsSubsequence("run kernel 0", "run kernel 0", "run kernel 1");
    assertThat(profile.lines().stream().filter(line -> line.startsWith("kernel ")))
        .satisfiesExactly(
            first ->
                assertThat(first).startsWith("kernel 2 128 4 128 4 strided_loads 1 1 1 32 1 1 0 "),
            second -> assertThat(second).startsWith("kernel 1 128 8 128 4 strided_loads "));
    assertThat(profile.counts("global_load")).extracting(Count::moved).containsExactly(4L, 8L);
  }
}
