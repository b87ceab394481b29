// NVIDIA's cuda.h, with all its declarations visible outside this library.
#pragma once

#pragma GCC visibility push(default)
#include <cuda.h>
#pragma GCC visibility pop
