package dev.culebra.backend;

/**
 * A call of an operation, and what it must do: floating-point operations where it multiplies
 * matrices, else the bytes that it reads and writes; a tensor that it reads and writes counts
 * twice.
 *
 * @param op the operation's name, as its messages have it: {@code linearForward}
 * @param shape that tells calls of an operation apart
 * @param flops 0 where bytes are the measure
 * @param bytes 0 where operations are the measure
 */
public record OpCall(String op, String shape, double flops, double bytes) {}
