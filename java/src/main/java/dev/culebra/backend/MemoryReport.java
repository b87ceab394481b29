package dev.culebra.backend;

/**
 * Native memory of a backend.
 *
 * @param liveBuffers buffers allocated and not yet closed; leak tests assert 0
 * @param liveBytes their total size
 * @param peakBytes the largest value that {@code liveBytes} has had
 */
public record MemoryReport(int liveBuffers, long liveBytes, long peakBytes) {}
