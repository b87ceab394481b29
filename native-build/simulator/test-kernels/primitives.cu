// Tensor-core instructions with fragments laid out by the PTX ISA's formulas, element by element. in: numbers 0 to 255;
// out: 64 results. One warp.
#include <cuda_bf16.h>
#include <stdint.h>

#define KERNEL(name) extern "C" __global__ void name(float* out, const float* in, int flag)

namespace {

__device__ __forceinline__ uint32_t pair(float low, float high) {
  const __nv_bfloat162 both(__float2bfloat16(low), __float2bfloat16(high));
  uint32_t bits;
  memcpy(&bits, &both, 4);
  return bits;
}

__device__ __forceinline__ void mma(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2], const float (&c)[4]) {
#ifdef CULEBRA_SIMULATOR
  sim::mmaM16N8K16(d, a, b, c);
#else
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%10,%11,%12,%13};"
      : "=f"(d[0]), "=f"(d[1]), "=f"(d[2]), "=f"(d[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]), "f"(c[0]), "f"(c[1]), "f"(c[2]), "f"(c[3]));
#endif
}

template <bool TRANSPOSED>
__device__ __forceinline__ void ldmatrix(uint32_t (&r)[4], const void* row) {
#ifdef CULEBRA_SIMULATOR
  sim::loadMatrix<TRANSPOSED>(r, row);
#else
  const unsigned from = static_cast<unsigned>(__cvta_generic_to_shared(row));
  if (TRANSPOSED) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];"
                 : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3]) : "r"(from) : "memory");
  } else {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
                 : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3]) : "r"(from) : "memory");
  }
#endif
}

}  // namespace

/** out = the upper (flag 0) or lower half of A·B + C for A (16, 16) = in mod 7, B (16, 8) = in mod 5, C (16, 8) = in. */
KERNEL(mma_m16n8k16) {
  const int group = threadIdx.x / 4, place = threadIdx.x % 4;
  float aElements[8], bElements[4];
  for (int i = 0; i < 8; i++) {  // ISA: row = groupID for i < 2 or 4 <= i < 6, else groupID + 8; + 8 columns for i >= 4
    const int row = i < 2 || (i >= 4 && i < 6) ? group : group + 8;
    const int column = i < 4 ? place * 2 + (i & 1) : place * 2 + (i & 1) + 8;
    aElements[i] = static_cast<float>(static_cast<int>(in[row * 16 + column]) % 7);
  }
  for (int i = 0; i < 4; i++) {  // ISA: row = threadID_in_group * 2 + (i & 1), + 8 for i >= 2; column = groupID
    const int row = place * 2 + (i & 1) + (i >= 2 ? 8 : 0);
    bElements[i] = static_cast<float>(static_cast<int>(in[row * 8 + group]) % 5);
  }
  const uint32_t a[4] = {pair(aElements[0], aElements[1]), pair(aElements[2], aElements[3]),
                         pair(aElements[4], aElements[5]), pair(aElements[6], aElements[7])};
  const uint32_t b[2] = {pair(bElements[0], bElements[1]), pair(bElements[2], bElements[3])};
  float c[4], d[4];
  for (int i = 0; i < 4; i++) {  // ISA: row = groupID for i < 2, else groupID + 8; column = threadID_in_group * 2 + (i & 1)
    c[i] = in[(i < 2 ? group : group + 8) * 8 + place * 2 + (i & 1)];
  }
  mma(d, a, b, c);
  for (int i = 0; i < 4; i++) {
    if (i / 2 == flag) out[group * 8 + place * 2 + (i & 1)] = d[i];
  }
}

/** Four 8 × 8 matrices of numbers 0 to 255 row by row; out[lane · 2 …] = the lane's pair of matrix `flag / 2`;
 *  flag odd: transposed. */
KERNEL(ldmatrix_x4) {
  __shared__ __align__(16) __nv_bfloat16 matrices[256];
  for (int i = threadIdx.x; i < 256; i += 32) matrices[i] = __float2bfloat16(in[i]);
  __syncthreads();
  uint32_t registers[4];
  if (flag & 1) {
    ldmatrix<true>(registers, &matrices[threadIdx.x * 8]);
  } else {
    ldmatrix<false>(registers, &matrices[threadIdx.x * 8]);
  }
  const uint32_t chosen = flag < 2 ? registers[0] : flag < 4 ? registers[1] : flag < 6 ? registers[2] : registers[3];
  out[threadIdx.x * 2] = __uint_as_float(chosen << 16);
  out[threadIdx.x * 2 + 1] = __uint_as_float(chosen & 0xffff0000u);
}
