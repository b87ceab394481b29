// libcublasLt: products with an epilogue, by descriptors. Compiled once for each major version, CUBLAS_MAJOR.
//
// Stricter than the original in order to find mistakes: an algorithm runs only the product that it was requested for, with
// the alignments and the workspace size given in the request.
#include "products.h"

#include <cstdint>
#include <cstring>

namespace {

using namespace sim;

/** cublasLtMatmulDescAttributes_t */
enum DescAttribute : int {
  TRANSA = 3,
  TRANSB = 4,
  EPILOGUE = 7,
  BIAS_POINTER = 8,
  EPILOGUE_AUX_POINTER = 11,
  EPILOGUE_AUX_LD = 12
};

/** cublasLtMatmulPreferenceAttributes_t */
enum PreferenceAttribute : int {
  MAX_WORKSPACE_BYTES = 1,
  REDUCTION_SCHEME_MASK = 3,
  MIN_ALIGNMENT_A_BYTES = 5,
  MIN_ALIGNMENT_B_BYTES = 6,
  MIN_ALIGNMENT_C_BYTES = 7,
  MIN_ALIGNMENT_D_BYTES = 8
};

/** cublasLtEpilogue_t: flags, of which these combinations are supported. */
enum EpilogueKind : int { NONE = 1, BIAS = 4, GELU = 32, GELU_BIAS = 36, GELU_AUX = 160, GELU_AUX_BIAS = 164, DGELU = 192 };

/** Bytes that the GPU reads at a time from a bias or an auxiliary. */
constexpr int PACK_BYTES = 16, PACK = 8;
/** Workspace of a product with DGELU, and of one with split sums, if allowed. */
constexpr size_t DGELU_WORKSPACE = 4 << 20, SPLIT_WORKSPACE = 1 << 20;

struct Handle {};

struct Desc {
  int computeType, transA = 0, transB = 0, epilogue = NONE;
  const void* bias = nullptr;
  void* auxiliary = nullptr;
  int64_t auxiliaryStride = 0;
};

struct Layout {
  int type;
  uint64_t rows, columns;
  int64_t stride;
};

struct Preference {
  uint64_t workspace = 0;
  uint32_t reductions = 7;
  uint32_t alignments[4] = {256, 256, 256, 256};
};

/** cublasLtMatmulAlgo_t: the product it was requested for. */
struct Algorithm {
  int32_t m, n, k, transA, transB, types, computeType, epilogue;
  uint64_t workspace;
  uint8_t logAlignments[4];
  uint32_t seal;
  uint64_t reserved[2];
};
static_assert(sizeof(Algorithm) == 64, "as the original");
constexpr uint32_t SEAL = 0x4c744c74;

/** cublasLtMatmulHeuristicResult_t */
struct HeuristicResult {
  Algorithm algorithm;
  size_t workspace;
  int state;
  float waves;
  int reserved[4];
};
static_assert(sizeof(HeuristicResult) == 96, "as the original");

template <typename T>
int take(T& field, const void* value, size_t bytes) {
  if (value == nullptr || bytes != sizeof(T)) return INVALID_VALUE;
  std::memcpy(&field, value, bytes);
  return SUCCESS;
}

bool hasBias(int epilogue) { return (epilogue & BIAS) != 0; }
bool hasAuxiliary(int epilogue) { return (epilogue & 128) != 0; }
bool isGelu(int epilogue) { return (epilogue & GELU) != 0; }

bool isKnown(int epilogue) {
  for (int known : {NONE, BIAS, GELU, GELU_BIAS, GELU_AUX, GELU_AUX_BIAS, DGELU}) {
    if (epilogue == known) return true;
  }
  return false;
}

/** The product that the descriptors describe, without addresses. */
Gemm describe(const Desc& desc, const Layout& a, const Layout& b, const Layout& d) {
  Gemm gemm{};
  gemm.m = int(d.rows);
  gemm.n = int(d.columns);
  gemm.k = int(desc.transA ? a.rows : a.columns);
  gemm.a = {nullptr, Type(a.type), a.stride, desc.transA != 0};
  gemm.b = {nullptr, Type(b.type), b.stride, desc.transB != 0};
  gemm.c = {nullptr, Type(d.type), d.stride};
  gemm.tf32 = desc.computeType == COMPUTE_32F_FAST_TF32;
  return gemm;
}

bool fit(const Gemm& gemm, const Layout& a, const Layout& b, const Layout& c, const Layout& d) {
  const auto isOf = [](const Layout& layout, bool transposed, int rows, int columns) {
    return layout.rows == uint64_t(transposed ? columns : rows) && layout.columns == uint64_t(transposed ? rows : columns);
  };
  return isOf(a, gemm.a.transposed, gemm.m, gemm.k) && isOf(b, gemm.b.transposed, gemm.k, gemm.n) && c.type == d.type &&
         c.rows == d.rows && c.columns == d.columns && isValid(gemm);
}

/** SUCCESS, or the reason why there is no such product. */
int check(const Desc& desc, const Layout& a, const Layout& b, const Layout& c, const Layout& d) {
  const Gemm gemm = describe(desc, a, b, d);
  if (!fit(gemm, a, b, c, d)) return INVALID_VALUE;
  if (!isSupported(gemm, desc.computeType) || !isKnown(desc.epilogue)) return NOT_SUPPORTED;
  const bool gelu = isGelu(desc.epilogue) || desc.epilogue == DGELU;
  if (gelu && gemm.c.type == Type::F32) return NOT_SUPPORTED;
  if (hasAuxiliary(desc.epilogue)) {
    if (desc.auxiliaryStride < gemm.m) return INVALID_VALUE;
    if (desc.auxiliaryStride % PACK != 0) return NOT_SUPPORTED;
  }
  return SUCCESS;
}

bool isAligned(const void* address, size_t bytes) { return reinterpret_cast<uintptr_t>(address) % bytes == 0; }

/** What an algorithm records about its product, except the workspace and the alignments. */
Algorithm algorithmOf(const Desc& desc, const Gemm& gemm) {
  Algorithm algorithm{};
  algorithm.m = gemm.m;
  algorithm.n = gemm.n;
  algorithm.k = gemm.k;
  algorithm.transA = desc.transA;
  algorithm.transB = desc.transB;
  algorithm.types = int(gemm.a.type) << 16 | int(gemm.b.type) << 8 | int(gemm.c.type);
  algorithm.computeType = desc.computeType;
  algorithm.epilogue = desc.epilogue;
  algorithm.seal = SEAL;
  return algorithm;
}

bool isFor(const Algorithm& algorithm, const Algorithm& wanted) {
  return algorithm.seal == SEAL && std::memcmp(&algorithm, &wanted, offsetof(Algorithm, workspace)) == 0;
}

}  // namespace

extern "C" {

SIM_EXPORT int cublasLtCreate(Handle** handle) {
  *handle = new Handle();
  return SUCCESS;
}
SIM_EXPORT int cublasLtDestroy(Handle* handle) {
  delete handle;
  return SUCCESS;
}
SIM_EXPORT size_t cublasLtGetVersion() { return CUBLAS_MAJOR * 10000; }

SIM_EXPORT int cublasLtMatmulDescCreate(Desc** desc, int computeType, int scaleType) {
  if (scaleType != int(Type::F32)) return NOT_SUPPORTED;
  *desc = new Desc{computeType};
  return SUCCESS;
}
SIM_EXPORT int cublasLtMatmulDescDestroy(Desc* desc) {
  delete desc;
  return SUCCESS;
}
SIM_EXPORT int cublasLtMatmulDescSetAttribute(Desc* desc, int attribute, const void* value, size_t bytes) {
  switch (attribute) {
    case TRANSA:
      return take(desc->transA, value, bytes);
    case TRANSB:
      return take(desc->transB, value, bytes);
    case EPILOGUE:
      return take(desc->epilogue, value, bytes);
    case BIAS_POINTER:
      return take(desc->bias, value, bytes);
    case EPILOGUE_AUX_POINTER:
      return take(desc->auxiliary, value, bytes);
    case EPILOGUE_AUX_LD:
      return take(desc->auxiliaryStride, value, bytes);
    default:
      return INVALID_VALUE;
  }
}

SIM_EXPORT int cublasLtMatrixLayoutCreate(Layout** layout, int type, uint64_t rows, uint64_t columns, int64_t stride) {
  *layout = new Layout{type, rows, columns, stride};
  return SUCCESS;
}
SIM_EXPORT int cublasLtMatrixLayoutDestroy(Layout* layout) {
  delete layout;
  return SUCCESS;
}

SIM_EXPORT int cublasLtMatmulPreferenceCreate(Preference** preference) {
  *preference = new Preference();
  return SUCCESS;
}
SIM_EXPORT int cublasLtMatmulPreferenceDestroy(Preference* preference) {
  delete preference;
  return SUCCESS;
}
SIM_EXPORT int cublasLtMatmulPreferenceSetAttribute(Preference* preference, int attribute, const void* value, size_t bytes) {
  switch (attribute) {
    case MAX_WORKSPACE_BYTES:
      return take(preference->workspace, value, bytes);
    case REDUCTION_SCHEME_MASK:
      return take(preference->reductions, value, bytes);
    case MIN_ALIGNMENT_A_BYTES:
    case MIN_ALIGNMENT_B_BYTES:
    case MIN_ALIGNMENT_C_BYTES:
    case MIN_ALIGNMENT_D_BYTES: {
      uint32_t& alignment = preference->alignments[attribute - MIN_ALIGNMENT_A_BYTES];
      const int status = take(alignment, value, bytes);
      return status == SUCCESS && (alignment == 0 || (alignment & (alignment - 1)) != 0) ? int(INVALID_VALUE) : status;
    }
    default:
      return INVALID_VALUE;
  }
}

/** A single algorithm, which uses some workspace if allowed. */
SIM_EXPORT int cublasLtMatmulAlgoGetHeuristic(Handle* handle, const Desc* desc, const Layout* a, const Layout* b, const Layout* c,
                                              const Layout* d, const Preference* preference, int requested,
                                              HeuristicResult* results, int* returned) {
  if (handle == nullptr) return NOT_INITIALIZED;
  if (requested < 1) return INVALID_VALUE;
  *returned = 0;
  const int status = check(*desc, *a, *b, *c, *d);
  if (status != SUCCESS) return status;
  const Gemm gemm = describe(*desc, *a, *b, *d);
  Algorithm algorithm = algorithmOf(*desc, gemm);
  const bool split = gemm.c.type == Type::F32 && (preference->reductions & 2) != 0;
  const size_t wanted = desc->epilogue == DGELU ? DGELU_WORKSPACE : split ? SPLIT_WORKSPACE : 0;
  algorithm.workspace = wanted <= preference->workspace ? wanted : 0;
  for (int i = 0; i < 4; i++) algorithm.logAlignments[i] = uint8_t(__builtin_ctz(preference->alignments[i]));
  results[0] = {algorithm, algorithm.workspace, SUCCESS, 1, {}};
  *returned = 1;
  return SUCCESS;
}

SIM_EXPORT int cublasLtMatmul(Handle* handle, const Desc* desc, const float* alpha, const void* a, const Layout* layoutA,
                              const void* b, const Layout* layoutB, const float* beta, const void* c, const Layout* layoutC, void* d,
                              const Layout* layoutD, const Algorithm* algorithm, void* workspace, size_t workspaceBytes,
                              void* stream) {
  if (handle == nullptr) return NOT_INITIALIZED;
  const int status = check(*desc, *layoutA, *layoutB, *layoutC, *layoutD);
  if (status != SUCCESS) return status;
  Gemm gemm = describe(*desc, *layoutA, *layoutB, *layoutD);
  if (algorithm == nullptr || !isFor(*algorithm, algorithmOf(*desc, gemm))) return INVALID_VALUE;
  const void* operands[] = {a, b, c, d};
  for (int i = 0; i < 4; i++) {
    if (!isAligned(operands[i], size_t{1} << algorithm->logAlignments[i])) return INVALID_VALUE;
  }
  if (c != d || workspaceBytes < algorithm->workspace) return INVALID_VALUE;
  if (workspaceBytes > 0 && !isDeviceMemory(workspace, workspaceBytes)) return INVALID_VALUE;
  if (hasBias(desc->epilogue) && (desc->bias == nullptr || !isAligned(desc->bias, PACK_BYTES))) return INVALID_VALUE;
  if (hasAuxiliary(desc->epilogue) && (desc->auxiliary == nullptr || !isAligned(desc->auxiliary, PACK_BYTES))) return INVALID_VALUE;
  gemm.alpha = *alpha;
  gemm.beta = *beta;
  gemm.a.first = a;
  gemm.b.first = b;
  gemm.c.first = d;
  gemm.epilogue.bias = hasBias(desc->epilogue) ? desc->bias : nullptr;
  gemm.epilogue.gelu = isGelu(desc->epilogue);
  gemm.epilogue.geluSlope = desc->epilogue == DGELU;
  if (hasAuxiliary(desc->epilogue)) gemm.epilogue.auxiliary = {desc->auxiliary, gemm.c.type, desc->auxiliaryStride};
  return submitMatrixProduct(stream, [gemm]() -> int { return isProfiled(gemm, 1) ? int(SUCCESS) : runNow(gemm); });
}

}  // extern "C"
