// NVIDIA's cuda.h, with all that it declares visible outside of this library.
#pragma once

#pragma GCC visibility push(default)
#include <cuda.h>
#pragma GCC visibility pop
