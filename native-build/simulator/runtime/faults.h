// Turns a kernel's illegal access into an error of the kernel instead of the end of the process.
#pragma once

namespace sim {

/** Call once in each OS thread that runs kernels. Faults of other threads go to the previous handler. */
void prepareForFaults();

}  // namespace sim
