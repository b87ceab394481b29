package dev.culebra.backend;

/**
 * Native memory of a backend.
 *
 * @param liveBuffers buffers allocated and not yet closed: what a leak test asserts to be zero
 * @param liveBytes their size
 * @param peakBytes the largest that size has been
 */
public record MemoryReport(int liveBuffers, long liveBytes, long peakBytes) {}
