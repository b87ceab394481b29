package dev.culebra.kernels;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Streams, events, graphs, memory and counters of the simulated driver. */
class SimulatedDriverTest {
  private static final int OUT_OF_MEMORY = 2;
  private static final int INVALID_VALUE = 1;
  private static final int INVALID_PTX = 218;
  private static final int NOT_READY = 600;
  private static final int CAPTURE_UNSUPPORTED = 900;
  private static final int CAPTURE_INVALIDATED = 901;
  private static final int CAPTURE_UNJOINED = 904;

  private static final int NON_BLOCKING = 1;

  private final Arena arena = Arena.ofShared();
  private final MemorySegment out = arena.allocate(ADDRESS);
  private TestDevice device;
  private MemorySegment fill;

  @BeforeEach
  void open() {
    TestDevice.assumeSimulator();
    device = new TestDevice();
    fill = device.kernel("elementwise", "fill_f32");
  }

  @AfterEach
  void close() {
    if (device != null) {
      device.close();
    }
    arena.close();
  }

  private MemorySegment stream() {
    device.check("cuStreamCreate", out, NON_BLOCKING);
    return out.get(ADDRESS, 0);
  }

  private MemorySegment event() {
    device.check("cuEventCreate", out, 0);
    return out.get(ADDRESS, 0);
  }

  /** Sets four floats at the address, on the stream. */
  private int fill(MemorySegment stream, long address, float value) {
    return device.launchOn(stream, fill, 1, 32, address, value, 4L);
  }

  private MemorySegment endCapture(MemorySegment stream) {
    device.check("cuStreamEndCapture", stream, out);
    MemorySegment graph = out.get(ADDRESS, 0);
    device.check("cuGraphInstantiateWithFlags", out, graph, 0L);
    device.check("cuGraphDestroy", graph);
    return out.get(ADDRESS, 0);
  }

  // ---- streams and events ----

  @Test
  void workIsDelayedUntilItIsWaitedFor() {
    long x = device.upload(1, 1, 1, 1);
    MemorySegment host = arena.allocate(JAVA_FLOAT, 4);
    MemorySegment stream = stream();
    device.check("cuMemcpyDtoHAsync_v2", host, x, 16L, stream);
    assertThat(host.getAtIndex(JAVA_FLOAT, 0)).isZero();

    device.check("cuStreamSynchronize", stream);
    assertThat(host.getAtIndex(JAVA_FLOAT, 0)).isEqualTo(1);
  }

  @Test
  void aCopyReadsHostMemoryWhenItsTurnComes() {
    long x = device.allocate(4);
    MemorySegment host = arena.allocateFrom(JAVA_FLOAT, 1, 2, 3, 4);
    MemorySegment stream = stream();
    device.check("cuMemcpyHtoDAsync_v2", x, host, 16L, stream);
    host.setAtIndex(JAVA_FLOAT, 0, 9); // too early

    device.check("cuStreamSynchronize", stream);
    assertThat(device.download(x, 4)).containsExactly(9, 2, 3, 4);
  }

  @Test
  void anEventMakesAStreamWaitForAnother() {
    long x = device.upload(0, 0, 0, 0);
    MemorySegment host = arena.allocate(JAVA_FLOAT, 4);
    MemorySegment first = stream();
    MemorySegment second = stream();
    MemorySegment done = event();
    assertThat(fill(first, x, 5)).isZero();
    device.check("cuEventRecord", done, first);
    fill(first, x, 6); // after the event: not waited for
    device.check("cuStreamWaitEvent", second, done, 0);
    device.check("cuMemcpyDtoHAsync_v2", host, x, 16L, second);

    device.check("cuStreamSynchronize", second);
    assertThat(host.getAtIndex(JAVA_FLOAT, 3)).isEqualTo(5);
    device.check("cuStreamSynchronize", first);
    assertThat(device.download(x, 1)).containsExactly(6);
  }

  @Test
  void withoutTheEventItDoesNot() {
    long x = device.upload(0, 0, 0, 0);
    MemorySegment host = arena.allocate(JAVA_FLOAT, 4);
    MemorySegment first = stream();
    MemorySegment second = stream();
    fill(first, x, 5);
    device.check("cuMemcpyDtoHAsync_v2", host, x, 16L, second);

    device.check("cuStreamSynchronize", second);
    assertThat(host.getAtIndex(JAVA_FLOAT, 0)).isZero();
  }

  @Test
  void eventsMeasureTime() {
    MemorySegment stream = stream();
    MemorySegment from = event();
    MemorySegment to = event();
    device.check("cuEventRecord", from, stream);
    fill(stream, device.allocate(4), 1);
    device.check("cuEventRecord", to, stream);
    assertThat(device.call("cuEventQuery", to)).isEqualTo(NOT_READY);

    device.check("cuEventSynchronize", to);
    device.check("cuEventElapsedTime", out, from, to);
    assertThat(device.call("cuEventQuery", to)).isZero();
    assertThat(out.get(JAVA_FLOAT, 0)).isPositive();
  }

  // ---- graphs ----

  @Test
  void aGraphRepeatsCapturedWork() {
    long x = device.upload(1, 2, 3, 4);
    long sum = device.upload(0, 0, 0, 0);
    MemorySegment add = device.kernel("elementwise", "add_f32");
    MemorySegment stream = stream();
    device.check("cuStreamBeginCapture_v2", stream, 0);
    device.launchOn(stream, add, 1, 32, sum, sum, x, 4L);
    MemorySegment graph = endCapture(stream);
    device.check("cuCtxSynchronize");
    assertThat(device.download(sum, 4)).containsExactly(0, 0, 0, 0);

    for (int i = 0; i < 3; i++) {
      device.check("cuGraphLaunch", graph, stream);
    }
    device.check("cuStreamSynchronize", stream);
    assertThat(device.download(sum, 4)).containsExactly(3, 6, 9, 12);
    device.check("cuGraphExecDestroy", graph);
  }

  @Test
  void aCaptureIncludesStreamsThatWaitForIt() {
    long x = device.upload(0, 0, 0, 0);
    long y = device.upload(0, 0, 0, 0);
    MemorySegment origin = stream();
    MemorySegment branch = stream();
    MemorySegment fork = event();
    MemorySegment join = event();
    device.check("cuStreamBeginCapture_v2", origin, 0);
    fill(origin, x, 1);
    device.check("cuEventRecord", fork, origin);
    device.check("cuStreamWaitEvent", branch, fork, 0);
    fill(branch, y, 2);
    device.check("cuEventRecord", join, branch);
    device.check("cuStreamWaitEvent", origin, join, 0);
    MemorySegment graph = endCapture(origin);

    device.check("cuGraphLaunch", graph, origin);
    device.check("cuStreamSynchronize", origin);
    assertThat(device.download(x, 1)).containsExactly(1);
    assertThat(device.download(y, 1)).containsExactly(2);
  }

  @Test
  void aCaptureEndsOnlyWhenAllBranchesHaveJoined() {
    MemorySegment origin = stream();
    MemorySegment branch = stream();
    MemorySegment fork = event();
    long x = device.allocate(4);
    device.check("cuStreamBeginCapture_v2", origin, 0);
    device.check("cuEventRecord", fork, origin);
    device.check("cuStreamWaitEvent", branch, fork, 0);
    fill(branch, x, 2);

    assertThat(device.call("cuStreamEndCapture", origin, out)).isEqualTo(CAPTURE_UNJOINED);
  }

  @Test
  void anUnsupportedCallInvalidatesTheCapture() {
    MemorySegment stream = stream();
    device.check("cuStreamBeginCapture_v2", stream, 0);
    assertThat(device.call("cuStreamSynchronize", stream)).isEqualTo(CAPTURE_UNSUPPORTED);
    assertThat(device.call("cuStreamEndCapture", stream, out)).isEqualTo(CAPTURE_INVALIDATED);

    device.check("cuStreamBeginCapture_v2", stream, 0);
    assertThat(device.call("cuMemAlloc_v2", out, 16L)).isEqualTo(CAPTURE_UNSUPPORTED);
    assertThat(device.call("cuStreamEndCapture", stream, out)).isEqualTo(CAPTURE_INVALIDATED);
  }

  // ---- memory ----

  @Test
  void memoryIsLimited() {
    long before = device.count("culebra_sim_used_bytes");
    device.command("culebra_sim_set_memory", before + 1000);
    try {
      assertThat(device.call("cuMemAlloc_v2", out, 1001L)).isEqualTo(OUT_OF_MEMORY);
      device.check("cuMemAlloc_v2", out, 1000L);
      long address = out.get(JAVA_LONG, 0);
      MemorySegment total = arena.allocate(JAVA_LONG);
      device.check("cuMemGetInfo_v2", out, total);
      assertThat(out.get(JAVA_LONG, 0)).isZero();
      assertThat(total.get(JAVA_LONG, 0)).isEqualTo(before + 1000);
      device.check("cuMemFree_v2", address);
    } finally {
      device.command("culebra_sim_set_memory", 4L << 30);
    }
    assertThat(device.count("culebra_sim_used_bytes")).isEqualTo(before);
  }

  @Test
  void newMemoryIsNan() {
    assertThat(device.download(device.allocate(3), 3)).containsOnly(Float.NaN);
  }

  @Test
  void aCopyBeyondAnAllocationIsRejected() {
    long x = device.allocate(4);
    MemorySegment host = arena.allocate(20);
    assertThat(device.call("cuMemcpyHtoD_v2", x, host, 20L)).isEqualTo(INVALID_VALUE);
    assertThat(device.call("cuMemFree_v2", x + 4)).isEqualTo(INVALID_VALUE);
  }

  // ---- launches and modules ----

  @Test
  void impossibleLaunchesAreRejected() {
    long x = device.allocate(4);
    assertThat(device.launch(fill, 1, 257, x, 1f, 4L)).as("over __launch_bounds__").isEqualTo(1);
    assertThat(device.launch(fill, 0, 32, x, 1f, 4L)).as("no blocks").isEqualTo(INVALID_VALUE);
  }

  @Test
  void theLogExplainsInvalidPtx() {
    int errorLog = 5;
    int errorLogBytes = 6;
    MemorySegment log = arena.allocate(200);
    MemorySegment options = arena.allocateFrom(JAVA_INT, errorLog, errorLogBytes);
    MemorySegment values = arena.allocate(ADDRESS, 2);
    values.setAtIndex(ADDRESS, 0, log);
    values.setAtIndex(ADDRESS, 1, MemorySegment.ofAddress(log.byteSize()));
    MemorySegment image = arena.allocateFrom(".version 9.0\n.target sm_80\n.entry k()\n{\n");

    assertThat(device.call("cuModuleLoadDataEx", out, image, 2, options, values))
        .isEqualTo(INVALID_PTX);
    assertThat(log.getString(0)).contains("line 4", "inside of a function");
  }

  @Test
  void attributesOfAKernel() {
    int maxThreads = 0;
    device.check("cuFuncGetAttribute", out, maxThreads, fill);
    assertThat(out.get(JAVA_INT, 0)).isEqualTo(256);
    device.check("cuOccupancyMaxActiveBlocksPerMultiprocessor", out, fill, 256, 0L);
    assertThat(out.get(JAVA_INT, 0)).isEqualTo(8);
  }

  // ---- counters ----

  @Test
  void callsAreCounted() {
    long x = device.allocate(4);
    MemorySegment stream = stream();
    device.check("cuStreamBeginCapture_v2", stream, 0);
    fill(stream, x, 1);
    MemorySegment graph = endCapture(stream);
    device.command("culebra_sim_reset_counters");
    fill(stream, x, 2);
    device.check("cuGraphLaunch", graph, stream);
    device.check("cuGraphLaunch", graph, stream);
    device.check("cuMemsetD32Async", x, 0, 4L, stream);

    assertThat(device.count("culebra_sim_synchronizations")).isZero();
    assertThat(device.count("culebra_sim_allocations")).isZero();
    assertThat(device.count("culebra_sim_kernel_launches")).isEqualTo(1);
    assertThat(device.count("culebra_sim_graph_launches")).isEqualTo(2);
    assertThat(device.count("culebra_sim_async_copies")).isEqualTo(1);
    device.check("cuStreamSynchronize", stream);
    assertThat(device.count("culebra_sim_synchronizations")).isEqualTo(1);
    assertThat(device.count("culebra_sim_kernels_run")).isEqualTo(3);
    device.allocate(1);
    assertThat(device.count("culebra_sim_allocations")).isEqualTo(1);
  }
}
