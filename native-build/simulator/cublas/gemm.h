// C = alpha · op(A) · op(B) + beta · C on the CPU, column-major as in cuBLAS.
#pragma once

#include <cstddef>

namespace sim {

/** Element types, by their numbers in cudaDataType. */
enum class Type : int { F32 = 0, F16 = 2, BF16 = 14 };

constexpr size_t bytesOf(Type type) { return type == Type::F32 ? 4 : 2; }

/** A matrix whose columns are `stride` elements apart. */
struct Operand {
  const void* first;
  Type type;
  long long stride;
  bool transposed;

  Operand shifted(long long elements) const {
    return {static_cast<const char*>(first) + elements * static_cast<long long>(bytesOf(type)), type, stride, transposed};
  }
};

struct Result {
  void* first;
  Type type;
  long long stride;

  Result shifted(long long elements) const {
    return {static_cast<char*>(first) + elements * static_cast<long long>(bytesOf(type)), type, stride};
  }
};

/** Applied to an element in float before it is rounded to C: x + bias, GELU(x) or x · GELU′(auxiliary), in this order. */
struct Epilogue {
  /** One element of C's type for each row of C, or null. */
  const void* bias;
  bool gelu, geluSlope;
  /** Shaped like C: receives x + bias if `gelu`, provides the argument if `geluSlope`; or null. */
  Result auxiliary;
};

struct Gemm {
  int m, n, k;
  float alpha, beta;
  Operand a, b;
  Result c;
  /** Elements of A and B are rounded to TF32 (a 10-bit fraction) first. */
  bool tf32;
  Epilogue epilogue;
};

/** Sums are in float, in an order that depends only on the shape. C is not read if beta is 0. */
void multiply(const Gemm& gemm);

}  // namespace sim
