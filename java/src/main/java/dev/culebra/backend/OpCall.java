package dev.culebra.backend;

/**
 * A call of an operation and its cost: floating-point operations if it multiplies matrices,
 * otherwise the bytes that it reads and writes. A tensor that is both read and written counts
 * twice.
 *
 * @param op the operation's name, as in its messages: {@code linearForward}
 * @param shape distinguishes calls of an operation
 * @param flops 0 if the cost is given in bytes
 * @param bytes 0 if the cost is given in FLOPs
 */
public record OpCall(String op, String shape, double flops, double bytes) {}
