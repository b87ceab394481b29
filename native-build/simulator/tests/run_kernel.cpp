// Runs a kernel (float* out, const float* in, int flag) and prints the result: for the tests of the simulator.
//
//   run-kernel PTX KERNEL BLOCKS THREADS SHARED FLAG…
//
// The kernel is launched once for each flag, in order.
// in: 256 numbers, 0 to 255; out: room for 1024, of which the first 64 are printed if the kernel succeeds; the last 24 are
// initially 0: flags and counters.
#include <cuda.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace {

void check(const char* call, CUresult result) {
  if (result == CUDA_SUCCESS) return;
  const char *name = "?", *text = "?";
  cuGetErrorName(result, &name);
  cuGetErrorString(result, &text);
  std::printf("%s: %s: %s\n", call, name, text);
  std::exit(1);
}

std::string read(const char* file) {
  std::ostringstream text;
  text << std::ifstream(file).rdbuf();
  return text.str();
}

CUdeviceptr allocate(size_t bytes) {
  CUdeviceptr address;
  check("cuMemAlloc", cuMemAlloc(&address, bytes));
  return address;
}

CUfunction load(const char* ptx, const char* kernel) {
  CUmodule module;
  CUfunction function;
  check("cuModuleLoadData", cuModuleLoadData(&module, read(ptx).c_str()));
  check("cuModuleGetFunction", cuModuleGetFunction(&function, module, kernel));
  return function;
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 7) {
    std::fprintf(stderr, "usage: run-kernel PTX KERNEL BLOCKS THREADS SHARED FLAG…\n");
    return 2;
  }
  check("cuInit", cuInit(0));
  CUcontext context;
  check("cuDevicePrimaryCtxRetain", cuDevicePrimaryCtxRetain(&context, 0));
  check("cuCtxSetCurrent", cuCtxSetCurrent(context));
  const CUfunction kernel = load(arguments[1], arguments[2]);
  const int blocks = std::atoi(arguments[3]), threads = std::atoi(arguments[4]), shared = std::atoi(arguments[5]);

  std::vector<float> numbers(256);
  for (size_t i = 0; i < numbers.size(); i++) numbers[i] = static_cast<float>(i);
  CUdeviceptr in = allocate(numbers.size() * sizeof(float)), out = allocate(1024 * sizeof(float));
  check("cuMemcpyHtoD", cuMemcpyHtoD(in, numbers.data(), numbers.size() * sizeof(float)));
  check("cuMemsetD32", cuMemsetD32(out + 1000 * sizeof(float), 0, 24));
  for (int i = 6; i < count; i++) {
    int flag = std::atoi(arguments[i]);
    void* parameters[] = {&out, &in, &flag};
    check("cuLaunchKernel", cuLaunchKernel(kernel, blocks, 1, 1, threads, 1, 1, shared, nullptr, parameters, nullptr));
  }
  check("cuCtxSynchronize", cuCtxSynchronize());
  std::vector<float> results(64);
  check("cuMemcpyDtoH", cuMemcpyDtoH(results.data(), out, results.size() * sizeof(float)));
  for (float result : results) std::printf("%.9g ", result);
  std::printf("\n");
}
