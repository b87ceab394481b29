// Entries of linear_rows.cuh: a linear layer for a few rows.
#include "linear_rows.cuh"

using namespace culebra;

#define LINEAR_ROWS(T, SUFFIX, ROWS)                                                                                  \
  /** out (rows, outputs) from in (rows, inputs), rows ≤ ROWS, and weight (outputs, inputs); bias may be null. */     \
  extern "C" __global__ void __launch_bounds__(256)                                                                   \
      linear_rows_most##ROWS##_##SUFFIX(T* out, const T* in, const T* weight, const T* bias, int activation, int rows, \
                                        int inputs, int outputs) {                                                    \
    linearRows<InOrder, T, ROWS>(out, in, weight, bias, activation, rows, inputs, outputs);                                    \
  }

#define ALL_LINEAR_ROWS(T, SUFFIX) \
  LINEAR_ROWS(T, SUFFIX, 1)        \
  LINEAR_ROWS(T, SUFFIX, 4)        \
  LINEAR_ROWS(T, SUFFIX, 8)

ALL_LINEAR_ROWS(float, f32)
ALL_LINEAR_ROWS(bf16, bf16)
