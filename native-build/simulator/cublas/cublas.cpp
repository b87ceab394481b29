// libcublas: handles and matrix products. Compiled once for each major version, CUBLAS_MAJOR.
#include "products.h"

namespace {

using namespace sim;

/** cublasMath_t: one of the first, and a flag. */
constexpr int MATH_TF32 = 3, MATH_DISALLOW_REDUCED_PRECISION_REDUCTION = 16;
constexpr int POINTERS_TO_HOST = 0;  // cublasPointerMode_t

struct Handle {
  void* stream = nullptr;
  int mathMode = 0;
  int pointerMode = POINTERS_TO_HOST;
};

struct Strides {
  long long a, b, c;
};

int submit(const Handle* handle, sim::Gemm gemm, const void* alpha, const void* beta, Strides strides, int batches, int computeType) {
  if (handle == nullptr) return NOT_INITIALIZED;
  if (!isSupported(gemm, computeType)) return NOT_SUPPORTED;
  if (!isValid(gemm) || batches < 0) return INVALID_VALUE;
  const bool host = handle->pointerMode == POINTERS_TO_HOST;
  if (host) {
    gemm.alpha = *static_cast<const float*>(alpha);
    gemm.beta = *static_cast<const float*>(beta);
  }
  const bool plain = computeType == COMPUTE_32F && (handle->mathMode & MATH_TF32) == MATH_TF32;
  gemm.tf32 = gemm.a.type == sim::Type::F32 && (plain || computeType == COMPUTE_32F_FAST_TF32);
  return sim::submitMatrixProduct(handle->stream, [=]() mutable -> int {
    if (!host) {
      gemm.alpha = *static_cast<const float*>(alpha);
      gemm.beta = *static_cast<const float*>(beta);
    }
    if (isProfiled(gemm, batches)) return SUCCESS;
    for (int i = 0; i < batches; i++) {
      sim::Gemm one = gemm;
      one.a = gemm.a.shifted(i * strides.a);
      one.b = gemm.b.shifted(i * strides.b);
      one.c = gemm.c.shifted(i * strides.c);
      const int status = runNow(one);
      if (status != SUCCESS) return status;
    }
    return SUCCESS;
  });
}

}  // namespace

extern "C" {

SIM_EXPORT int cublasCreate_v2(Handle** handle) {
  *handle = new Handle();
  return SUCCESS;
}
SIM_EXPORT int cublasDestroy_v2(Handle* handle) {
  delete handle;
  return SUCCESS;
}
SIM_EXPORT int cublasGetVersion_v2(Handle*, int* version) {
  *version = CUBLAS_MAJOR * 10000;
  return SUCCESS;
}
SIM_EXPORT size_t cublasGetCudartVersion() { return CUBLAS_MAJOR * 1000; }
SIM_EXPORT int cublasSetStream_v2(Handle* handle, void* stream) {
  handle->stream = stream;
  return SUCCESS;
}
SIM_EXPORT int cublasGetStream_v2(Handle* handle, void** stream) {
  *stream = handle->stream;
  return SUCCESS;
}
SIM_EXPORT int cublasSetMathMode(Handle* handle, int mode) {
  if ((mode & ~(MATH_TF32 | MATH_DISALLOW_REDUCED_PRECISION_REDUCTION)) != 0) return INVALID_VALUE;
  handle->mathMode = mode;
  return SUCCESS;
}
SIM_EXPORT int cublasGetMathMode(Handle* handle, int* mode) {
  *mode = handle->mathMode;
  return SUCCESS;
}
SIM_EXPORT int cublasSetPointerMode_v2(Handle* handle, int mode) {
  handle->pointerMode = mode;
  return SUCCESS;
}
SIM_EXPORT int cublasGetPointerMode_v2(Handle* handle, int* mode) {
  *mode = handle->pointerMode;
  return SUCCESS;
}
/** The workspace is not used, but must be there. */
SIM_EXPORT int cublasSetWorkspace_v2(Handle*, void* workspace, size_t bytes) {
  return bytes == 0 || sim::isDeviceMemory(workspace, bytes) ? SUCCESS : INVALID_VALUE;
}

SIM_EXPORT const char* cublasGetStatusName(int status) {
  switch (status) {
    case SUCCESS:
      return "CUBLAS_STATUS_SUCCESS";
    case NOT_INITIALIZED:
      return "CUBLAS_STATUS_NOT_INITIALIZED";
    case INVALID_VALUE:
      return "CUBLAS_STATUS_INVALID_VALUE";
    case EXECUTION_FAILED:
      return "CUBLAS_STATUS_EXECUTION_FAILED";
    case NOT_SUPPORTED:
      return "CUBLAS_STATUS_NOT_SUPPORTED";
    default:
      return "unknown";
  }
}
SIM_EXPORT const char* cublasGetStatusString(int status) { return cublasGetStatusName(status); }

SIM_EXPORT int cublasGemmStridedBatchedEx(Handle* handle, int transA, int transB, int m, int n, int k, const void* alpha,
                                          const void* a, int typeA, int strideA, long long nextA, const void* b, int typeB,
                                          int strideB, long long nextB, const void* beta, void* c, int typeC, int strideC,
                                          long long nextC, int batches, int computeType, int /* algorithm */) {
  const sim::Gemm gemm{m, n, k, 0, 0, {a, sim::Type(typeA), strideA, transA != 0}, {b, sim::Type(typeB), strideB, transB != 0},
                       {c, sim::Type(typeC), strideC}, false, {}};
  return submit(handle, gemm, alpha, beta, {nextA, nextB, nextC}, batches, computeType);
}

SIM_EXPORT int cublasGemmEx(Handle* handle, int transA, int transB, int m, int n, int k, const void* alpha, const void* a,
                            int typeA, int strideA, const void* b, int typeB, int strideB, const void* beta, void* c, int typeC,
                            int strideC, int computeType, int algorithm) {
  return cublasGemmStridedBatchedEx(handle, transA, transB, m, n, k, alpha, a, typeA, strideA, 0, b, typeB, strideB, 0, beta, c,
                                    typeC, strideC, 0, 1, computeType, algorithm);
}

SIM_EXPORT int cublasSgemm_v2(Handle* handle, int transA, int transB, int m, int n, int k, const float* alpha, const float* a,
                              int strideA, const float* b, int strideB, const float* beta, float* c, int strideC) {
  const int f32 = int(sim::Type::F32);
  return cublasGemmEx(handle, transA, transB, m, n, k, alpha, a, f32, strideA, b, f32, strideB, beta, c, f32, strideC, COMPUTE_32F,
                      -1);
}

}  // extern "C"
