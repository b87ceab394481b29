// A kernel that touches what it may not becomes an error of the kernel instead of the end of the process.
#pragma once

namespace sim {

/** Once in each OS thread that runs kernels. Faults of other threads go to the handler that was there before. */
void prepareForFaults();

}  // namespace sim
