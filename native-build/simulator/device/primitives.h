// Tensor-core and asynchronous-copy instructions as defined by PTX ISA 9.0, for the host side of inline PTX.
//
// Fragments of a warp: lane l has group g = l / 4 and place t = l % 4. A register of two bf16 has the lower column or
// row in its lower half.
#pragma once

#include "kernel_interface.h"

#include <cmath>
#include <cstring>

namespace sim {

constexpr unsigned WHOLE_WARP = 0xffffffffu;

SIM_UNCHECKED inline float bf16Half(uint32_t pair, int half) {
  const uint32_t bits = half == 0 ? pair << 16 : pair & 0xffff0000u;
  float value;
  std::memcpy(&value, &bits, 4);
  return value;
}

/** Registers of a lane for mma.m16n8k16: D = A·B + C. */
struct MmaM16N8K16 {
  float* d;
  const uint32_t* a;
  const uint32_t* b;
  const float* c;

  // Rows g and g + 8; columns 2t and 2t + 1 of the first eight, then of the second eight.
  static constexpr int aRow(int group, int reg) { return group + (reg & 1) * 8; }
  static constexpr int aColumn(int place, int reg, int half) { return 2 * place + half + (reg >> 1) * 8; }
  static constexpr int bRow(int place, int reg, int half) { return 2 * place + half + reg * 8; }
  static constexpr int cRow(int group, int reg) { return group + (reg >> 1) * 8; }
  static constexpr int cColumn(int place, int reg) { return 2 * place + (reg & 1); }
};

SIM_UNCHECKED inline void mmaOfWarp(void* const arguments[32], unsigned) {
  using M = MmaM16N8K16;
  float a[16][16], b[16][8], d[16][8];
  for (int lane = 0; lane < 32; lane++) {
    const auto* m = static_cast<const M*>(arguments[lane]);
    const int g = lane / 4, t = lane % 4;
    for (int half = 0; half < 2; half++) {
      for (int r = 0; r < 4; r++) a[M::aRow(g, r)][M::aColumn(t, r, half)] = bf16Half(m->a[r], half);
      for (int r = 0; r < 2; r++) b[M::bRow(t, r, half)][g] = bf16Half(m->b[r], half);
    }
    for (int r = 0; r < 4; r++) d[M::cRow(g, r)][M::cColumn(t, r)] = m->c[r];
  }
  for (int i = 0; i < 16; i++) {
    for (int k = 0; k < 16; k++) {
      for (int j = 0; j < 8; j++) d[i][j] += a[i][k] * b[k][j];
    }
  }
  for (int lane = 0; lane < 32; lane++) {
    const auto* m = static_cast<const M*>(arguments[lane]);
    for (int r = 0; r < 4; r++) m->d[r] = d[M::cRow(lane / 4, r)][M::cColumn(lane % 4, r)];
  }
}

/** mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 */
SIM_INLINE void mmaM16N8K16(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2], const float (&c)[4],
                        int line = __builtin_LINE()) {
  MmaM16N8K16 registers{d, a, b, c};
  warpCollective({"mma.m16n8k16", line}, WHOLE_WARP, mmaOfWarp, &registers);
}

/** A lane's argument of ldmatrix, the address of one row, and its result, a pair of elements of each matrix. */
struct LoadMatrix {
  uint32_t* registers;
  const void* row;
  int matrices;
  bool transposed;
};

/** Rows of matrix j come from lanes 8j … 8j + 7. A lane gets row g, columns 2t and 2t + 1; transposed: column g. */
SIM_UNCHECKED inline void loadMatrices(void* const arguments[32], unsigned) {
  const auto& first = *static_cast<const LoadMatrix*>(arguments[0]);
  for (int j = 0; j < first.matrices; j++) {
    uint16_t matrix[8][8];
    for (int r = 0; r < 8; r++) {
      const void* row = static_cast<const LoadMatrix*>(arguments[8 * j + r])->row;
      if (reinterpret_cast<uintptr_t>(row) % 16 != 0) fail("ldmatrix: misaligned row %p, not a multiple of 16", row);
      noteAccess(row, 16, Access::READ);
      std::memcpy(matrix[r], row, 16);
    }
    for (int lane = 0; lane < 32; lane++) {
      const int g = lane / 4, c = lane % 4 * 2;
      const uint32_t low = first.transposed ? matrix[c][g] : matrix[g][c];
      const uint32_t high = first.transposed ? matrix[c + 1][g] : matrix[g][c + 1];
      static_cast<const LoadMatrix*>(arguments[lane])->registers[j] = low | high << 16;
    }
  }
}

/** ldmatrix.sync.aligned.m8n8.xN[.trans].shared.b16, N = 1, 2 or 4 */
template <bool TRANSPOSED = false, int N>
SIM_INLINE void loadMatrix(uint32_t (&registers)[N], const void* row, int line = __builtin_LINE()) {
  static_assert(N == 1 || N == 2 || N == 4);
  LoadMatrix load{registers, row, N, TRANSPOSED};
  warpCollective({TRANSPOSED ? "ldmatrix.trans" : "ldmatrix", line}, WHOLE_WARP, loadMatrices, &load);
}

#ifdef CULEBRA_SIM_PROFILE
#define SIM_SPECIAL(operations) ::sim::noteSpecial(operations)
#else
#define SIM_SPECIAL(operations) ((void)0)
#endif

/** ex2.approx.ftz.f32: 2^x; 0 for subnormal results. */
SIM_INLINE float ex2ApproxFtz(float x) {
  SIM_SPECIAL(1);
  const float power = std::exp2(x);
  return power < 0x1p-126f ? 0 : power;
}

/** lg2.approx.ftz.f32 and rcp.approx.ftz.f32, but for what they make of subnormal numbers. */
SIM_INLINE float lg2ApproxFtz(float x) {
  SIM_SPECIAL(1);
  return std::log2(x);
}
SIM_INLINE float rcpApproxFtz(float x) {
  SIM_SPECIAL(1);
  return 1 / x;
}

}  // namespace sim
