// Functions of the simulator only: counters for tests, and a memory size. All may be called from any thread.
#include "checker.h"
#include "driver.h"
#include "memory.h"
#include "profiler.h"

using sim::DeviceMemory;
using sim::Driver;

namespace {

template <typename Body>
auto locked(Body body) {
  Driver& driver = Driver::get();
  std::lock_guard<std::recursive_mutex> guard(driver.lock);
  return body(driver);
}

}  // namespace

extern "C" {

SIM_EXPORT int64_t culebra_sim_kernel_launches() {
  return locked([](Driver& driver) { return driver.counters.kernelLaunches; });
}
SIM_EXPORT int64_t culebra_sim_graph_launches() {
  return locked([](Driver& driver) { return driver.counters.graphLaunches; });
}
SIM_EXPORT int64_t culebra_sim_synchronizations() {
  return locked([](Driver& driver) { return driver.counters.synchronizations; });
}
SIM_EXPORT int64_t culebra_sim_allocations() {
  return locked([](Driver& driver) { return driver.counters.allocations; });
}
SIM_EXPORT int64_t culebra_sim_async_copies() {
  return locked([](Driver& driver) { return driver.counters.asyncCopies; });
}
SIM_EXPORT int64_t culebra_sim_matrix_products() {
  return locked([](Driver& driver) { return driver.counters.matrixProducts; });
}
SIM_EXPORT int64_t culebra_sim_kernels_run() {
  return locked([](Driver& driver) { return driver.counters.kernelsRun; });
}
SIM_EXPORT void culebra_sim_reset_counters() {
  locked([](Driver& driver) { driver.counters = sim::Counters(); });
}

/** Device memory allocations that were not freed, and their bytes. */
SIM_EXPORT int64_t culebra_sim_live_allocations() {
  return locked([](Driver&) { return static_cast<int64_t>(DeviceMemory::get().count()); });
}
SIM_EXPORT int64_t culebra_sim_used_bytes() {
  return locked([](Driver&) { return static_cast<int64_t>(DeviceMemory::get().used()); });
}
/** Sets the device's memory size in bytes from now on. */
SIM_EXPORT void culebra_sim_set_memory(int64_t bytes) {
  locked([&](Driver&) { DeviceMemory::get().setTotal(static_cast<size_t>(bytes)); });
}
/** Whether the loaded kernels are from the checked build. */
SIM_EXPORT int culebra_sim_is_checked() { return sim::Checker::get().enabled(); }

/** Adds a line to the profile, between the launches before and after it; streams must be eager. Profile build only. */
SIM_EXPORT void culebra_sim_mark(const char* text) {
  locked([&](Driver&) { sim::Profiler::get().mark(text); });
}

}  // extern "C"
