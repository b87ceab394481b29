#include "gemm.h"

#include "grid.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>

namespace sim {
namespace {

// A tile of C that fits into the registers: ROWS × COLUMNS, 12 vectors.
#ifdef __AVX512F__
constexpr int LANES = 16;
#else
constexpr int LANES = 8;
#endif
constexpr int VECTORS = 2, ROWS = VECTORS * LANES, COLUMNS = 6;
using Vector = float __attribute__((vector_size(LANES * sizeof(float)), aligned(sizeof(float))));

/** Panels of columns per task. */
constexpr int PANELS_OF_TASK = 4;
/** Below this many multiplications, other OS threads do not pay off. */
constexpr double ALONE = 500000;

// ---- elements -------------------------------------------------------------------------------------------------------

float fromBits(uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, 4);
  return value;
}

uint32_t toBits(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, 4);
  return bits;
}

float load(const void* first, Type type, long long i) {
  switch (type) {
    case Type::F32:
      return static_cast<const float*>(first)[i];
    case Type::BF16:
      return fromBits(uint32_t{static_cast<const uint16_t*>(first)[i]} << 16);
    case Type::F16:
      break;
  }
  return static_cast<float>(static_cast<const _Float16*>(first)[i]);
}

/** Rounds to the nearest bf16, ties to even. */
uint16_t toBf16(float value) {
  const uint32_t bits = toBits(value);
  if ((bits & 0x7fffffffu) > 0x7f800000u) return 0x7fff;
  return static_cast<uint16_t>((bits + 0x7fffu + (bits >> 16 & 1)) >> 16);
}

void store(void* first, Type type, long long i, float value) {
  switch (type) {
    case Type::F32:
      static_cast<float*>(first)[i] = value;
      return;
    case Type::BF16:
      static_cast<uint16_t*>(first)[i] = toBf16(value);
      return;
    case Type::F16:
      static_cast<_Float16*>(first)[i] = static_cast<_Float16>(value);
  }
}

/** Rounds to the nearest number with a 10-bit fraction, ties away from zero. */
float toTf32(float value) { return fromBits((toBits(value) + 0x1000u) & 0xffffe000u); }

// ---- panels ---------------------------------------------------------------------------------------------------------

/** op(X) split into panels of WIDTH rows (of A) or columns (of B): panel, then k, then position in the panel; padded with 0. */
template <int WIDTH>
class Panels {
 public:
  Panels(const Operand& x, bool isA, int size, int k, bool tf32)
      : x_(x), across_(x.transposed != isA), size_(size), k_(k), tf32_(tf32), values_(size_t(count()) * WIDTH * k) {}

  int count() const { return (size_ + WIDTH - 1) / WIDTH; }
  const float* of(int panel) const { return values_.data() + size_t(panel) * WIDTH * k_; }

  void pack(int panel) {
    float* to = values_.data() + size_t(panel) * WIDTH * k_;
    const int width = std::min(WIDTH, size_ - panel * WIDTH);
    for (int p = 0; p < k_; p++) {
      for (int i = 0; i < width; i++) {
        const long long at = panel * WIDTH + i;
        const float value = load(x_.first, x_.type, across_ ? at + p * x_.stride : p + at * x_.stride);
        to[size_t(p) * WIDTH + i] = tf32_ ? toTf32(value) : value;
      }
    }
  }

 private:
  const Operand x_;
  /** Whether neighbours in a panel are neighbours in memory. */
  const bool across_;
  const int size_, k_;
  const bool tf32_;
  std::vector<float> values_;
};

/** sums (COLUMNS, ROWS) = Σ over k of a panel of A times a panel of B. */
void multiplyPanels(const float* a, const float* b, int k, float (&sums)[COLUMNS][ROWS]) {
  Vector tile[COLUMNS][VECTORS] = {};
  for (int p = 0; p < k; p++) {
    Vector column[VECTORS];
    for (int v = 0; v < VECTORS; v++) std::memcpy(&column[v], a + size_t(p) * ROWS + v * LANES, sizeof(Vector));
#pragma GCC unroll 6
    for (int j = 0; j < COLUMNS; j++) {
      const float factor = b[size_t(p) * COLUMNS + j];
#pragma GCC unroll 2
      for (int v = 0; v < VECTORS; v++) tile[j][v] += column[v] * factor;
    }
  }
  std::memcpy(sums, tile, sizeof(tile));
}

// ---- epilogues ------------------------------------------------------------------------------------------------------

constexpr float GELU_SCALE = 0.7978845608f, GELU_CUBIC = 0.044715f;

float geluTanh(float x) { return std::tanh(GELU_SCALE * (x + GELU_CUBIC * x * x * x)); }

float gelu(float x) { return 0.5f * x * (1 + geluTanh(x)); }

float geluSlope(float x) {
  const float t = geluTanh(x);
  // Far from 0 the tanh is flat, and the square of x may be infinite, so that its product with 0 is NaN.
  if (std::fabs(x) > 10) return 0.5f * (1 + t);
  return 0.5f * (1 + t) + 0.5f * x * (1 - t * t) * GELU_SCALE * (1 + 3 * GELU_CUBIC * x * x);
}

/** Applies the epilogue to x at row i and column j of C. */
float finish(const Gemm& gemm, int i, int j, float x) {
  const Epilogue& epilogue = gemm.epilogue;
  const Result& auxiliary = epilogue.auxiliary;
  if (epilogue.bias != nullptr) x += load(epilogue.bias, gemm.c.type, i);
  if (epilogue.geluSlope) return x * geluSlope(load(auxiliary.first, auxiliary.type, i + j * auxiliary.stride));
  if (!epilogue.gelu) return x;
  if (auxiliary.first != nullptr) store(auxiliary.first, auxiliary.type, i + j * auxiliary.stride, x);
  return gelu(x);
}

void writeTile(const Gemm& gemm, int row, int column, const float (&sums)[COLUMNS][ROWS]) {
  for (int j = column; j < std::min(column + COLUMNS, gemm.n); j++) {
    for (int i = row; i < std::min(row + ROWS, gemm.m); i++) {
      const long long at = i + j * gemm.c.stride;
      const float before = gemm.beta == 0 ? 0 : gemm.beta * load(gemm.c.first, gemm.c.type, at);
      store(gemm.c.first, gemm.c.type, at, finish(gemm, i, j, gemm.alpha * sums[j - column][i - row] + before));
    }
  }
}

}  // namespace

void multiply(const Gemm& gemm) {
  Panels<ROWS> a(gemm.a, true, gemm.m, gemm.k, gemm.tf32);
  Panels<COLUMNS> b(gemm.b, false, gemm.n, gemm.k, gemm.tf32);
  const int tasks = (b.count() + PANELS_OF_TASK - 1) / PANELS_OF_TASK;
  auto pack = [&](int i) { i < a.count() ? a.pack(i) : b.pack(i - a.count()); };
  auto multiplyColumns = [&](int task) {
    const int end = std::min((task + 1) * PANELS_OF_TASK, b.count());
    for (int row = 0; row < a.count(); row++) {
      for (int column = task * PANELS_OF_TASK; column < end; column++) {
        float sums[COLUMNS][ROWS];
        multiplyPanels(a.of(row), b.of(column), gemm.k, sums);
        writeTile(gemm, row * ROWS, column * COLUMNS, sums);
      }
    }
  };
  if (double(gemm.m) * gemm.n * gemm.k < ALONE) {
    for (int i = 0; i < a.count() + b.count(); i++) pack(i);
    for (int task = 0; task < tasks; task++) multiplyColumns(task);
  } else {
    inParallel(a.count() + b.count(), pack);
    inParallel(tasks, multiplyColumns);
  }
}

}  // namespace sim
