// Activations and their derivatives, shared by activation.cu and the epilogue of linear.cu.
#pragma once

#include "common.cuh"

namespace culebra {

/** The ordinals of dev.culebra.backend.Activation, which launches pass as an int. */
enum ActivationKind { IDENTITY = 0, RELU = 1, GELU_TANH = 2, GELU_ERF = 3, RELU_SQUARED = 4, SILU = 5 };

constexpr float GELU_SCALE = 0.7978845608f;  // √(2/π)
constexpr float GELU_CUBIC = 0.044715f;
constexpr float ROOT_HALF = 0.7071067812f;
constexpr float DENSITY_AT_ZERO = 0.3989422804f;  // 1/√(2π)

/** (1 + tanh(u)) / 2 = 1 / (1 + exp(−2u)), u the argument of the tanh in the GELU of x; 0 or 1 far from 0. */
__device__ __forceinline__ float geluGate(float x) {
  return __fdividef(1.0f, 1.0f + expf(-2 * GELU_SCALE * (x + GELU_CUBIC * x * x * x)));
}

/** The normal distribution function. */
__device__ __forceinline__ float normalCdf(float x) { return 0.5f * erfcf(-ROOT_HALF * x); }

/** 1 / (1 + exp(−x)); 0 or 1 far from 0. */
__device__ __forceinline__ float sigmoid(float x) { return __fdividef(1.0f, 1.0f + expf(-x)); }

/** max(x, 0); keeps NaN, which fmaxf would hide. */
__device__ __forceinline__ float positive(float x) { return x < 0 ? 0 : x; }

template <int KIND>
__device__ __forceinline__ float activate(float x) {
  if (KIND == RELU) return positive(x);
  if (KIND == GELU_TANH) return x * geluGate(x);
  if (KIND == GELU_ERF) return x * normalCdf(x);
  if (KIND == RELU_SQUARED) return positive(x) * positive(x);
  if (KIND == SILU) return x * sigmoid(x);
  return x;
}

/** The derivative of activate. */
template <int KIND>
__device__ __forceinline__ float slope(float x) {
  if (KIND == RELU) return x > 0 ? 1 : 0;
  if (KIND == GELU_TANH) {
    const float gate = geluGate(x);
    const float inner = GELU_SCALE * (1 + 3 * GELU_CUBIC * x * x);
    // Beyond 10 the gate is 0 or 1, and the square of x may be infinite, so that its product with 0 is NaN.
    return fabsf(x) > 10 ? gate : gate + 2 * x * gate * (1 - gate) * inner;
  }
  if (KIND == GELU_ERF) return normalCdf(x) + x * DENSITY_AT_ZERO * expf(-0.5f * x * x);
  if (KIND == RELU_SQUARED) return 2 * positive(x);
  if (KIND == SILU) {
    const float gate = sigmoid(x);
    return gate * (1 + x * (1 - gate));
  }
  return 1;
}

/** body(Kind<k>) for the activation of a launch: one branch per thread, none per element. */
template <int KIND>
struct Kind {
  static constexpr int VALUE = KIND;
};

template <typename Body>
__device__ __forceinline__ void withActivation(int kind, Body body) {
  switch (kind) {
    case RELU: return body(Kind<RELU>{});
    case GELU_TANH: return body(Kind<GELU_TANH>{});
    case GELU_ERF: return body(Kind<GELU_ERF>{});
    case RELU_SQUARED: return body(Kind<RELU_SQUARED>{});
    case SILU: return body(Kind<SILU>{});
    default: return body(Kind<IDENTITY>{});
  }
}

}  // namespace culebra
