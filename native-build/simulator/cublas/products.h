// Shared by cublas.cpp and cublasLt.cpp.
#pragma once

#include "driver.h"
#include "gemm.h"
#include "profiler.h"

#include <algorithm>
#include <tuple>

namespace sim {

/** cublasStatus_t */
enum Status : int { SUCCESS = 0, NOT_INITIALIZED = 1, INVALID_VALUE = 7, EXECUTION_FAILED = 13, NOT_SUPPORTED = 15 };

/** cublasComputeType_t */
enum ComputeType : int { COMPUTE_32F = 68, COMPUTE_32F_PEDANTIC = 69, COMPUTE_32F_FAST_TF32 = 77 };

/** The combinations of types that cuBLAS supports for float sums; TF32 is for float inputs. */
inline bool isSupported(const Gemm& gemm, int computeType) {
  const Type a = gemm.a.type, b = gemm.b.type, c = gemm.c.type;
  const bool known = computeType == COMPUTE_32F || computeType == COMPUTE_32F_PEDANTIC || computeType == COMPUTE_32F_FAST_TF32;
  if (!known || a != b || (a != Type::F32 && a != Type::F16 && a != Type::BF16)) return false;
  return (c == Type::F32 || c == a) && (a == Type::F32 || computeType != COMPUTE_32F_FAST_TF32);
}

inline bool isValid(const Gemm& gemm) {
  if (gemm.m < 0 || gemm.n < 0 || gemm.k < 0) return false;
  const int a = gemm.a.transposed ? gemm.k : gemm.m, b = gemm.b.transposed ? gemm.n : gemm.k;
  return gemm.a.stride >= std::max(a, 1) && gemm.b.stride >= std::max(b, 1) && gemm.c.stride >= std::max(gemm.m, 1);
}

/** Bytes from the first to the last element of a matrix. */
inline size_t extent(int rows, int columns, long long stride, Type type) {
  return rows == 0 || columns == 0 ? 0 : (stride * (columns - 1) + rows) * bytesOf(type);
}

inline size_t extent(const Gemm& gemm, const Result& result) { return extent(gemm.m, gemm.n, result.stride, result.type); }

inline bool isOnDevice(const Gemm& gemm) {
  const auto [m, n, k] = std::tuple(gemm.m, gemm.n, gemm.k);
  const Operand &a = gemm.a, &b = gemm.b;
  const size_t aBytes = a.transposed ? extent(k, m, a.stride, a.type) : extent(m, k, a.stride, a.type);
  const size_t bBytes = b.transposed ? extent(n, k, b.stride, b.type) : extent(k, n, b.stride, b.type);
  const Epilogue& epilogue = gemm.epilogue;
  if (epilogue.bias != nullptr && !isDeviceMemory(epilogue.bias, m * bytesOf(gemm.c.type))) return false;
  if (epilogue.auxiliary.first != nullptr && !isDeviceMemory(epilogue.auxiliary.first, extent(gemm, epilogue.auxiliary))) return false;
  return (aBytes == 0 || isDeviceMemory(a.first, aBytes)) && (bBytes == 0 || isDeviceMemory(b.first, bBytes)) &&
         isDeviceMemory(gemm.c.first, extent(gemm, gemm.c));
}

inline void noteWrite(const Gemm& gemm, const Result& result) {
  for (int j = 0; j < gemm.n; j++) noteLibraryWrite(result.shifted(j * result.stride).first, gemm.m * bytesOf(result.type));
}

/** True in the profile build, which records the product instead of computing it. */
inline bool isProfiled(const Gemm& gemm, int batches) {
  const Epilogue& epilogue = gemm.epilogue;
  return profileProduct({gemm.m, gemm.n, gemm.k, batches, int(bytesOf(gemm.a.type)), int(bytesOf(gemm.c.type)), gemm.beta != 0,
                         epilogue.bias != nullptr, epilogue.gelu, epilogue.geluSlope, gemm.tf32 || gemm.a.type != Type::F32});
}

/** Multiplies immediately; returns a cublasStatus_t. */
inline int runNow(const Gemm& gemm) {
  if (gemm.m == 0 || gemm.n == 0) return SUCCESS;
  if (!isOnDevice(gemm)) return EXECUTION_FAILED;
  multiply(gemm);
  noteWrite(gemm, gemm.c);
  const Epilogue& epilogue = gemm.epilogue;
  if (epilogue.gelu && epilogue.auxiliary.first != nullptr) noteWrite(gemm, epilogue.auxiliary);
  return SUCCESS;
}

}  // namespace sim
