#include "grid.h"

#include "block.h"
#include "checker.h"
#include "profiler.h"
#include "residents.h"
#include "settings.h"
#include "shared_memory.h"
#include "workers.h"

#include <atomic>
#include <map>
#include <memory>
#include <mutex>

namespace sim {
namespace {

/** What an OS thread needs to run blocks; created on first use. */
struct Worker {
  Block block{Settings::get()};
  std::map<const Module*, SharedMemory> shared;

  SharedMemory& sharedOf(const Module& module) {
    const auto found = shared.find(&module);
    return found != shared.end() ? found->second : shared.emplace(&module, module).first->second;
  }
};

Worker& workerOfThisThread() {
  static thread_local auto* worker = new Worker();  // its OS thread never ends
  return *worker;
}

Outcome::Kind kindOf(const std::string& message) {
  if (message.find(": misaligned address") != message.npos) return Outcome::MISALIGNED_ADDRESS;
  if (message.find("illegal address") != message.npos) return Outcome::ILLEGAL_ADDRESS;
  return Outcome::FAILED;
}

/** The blocks of one launch, distributed among workers. */
class Grid {
 public:
  Grid(const Launch& launch, void** parameters)
      : launch_(launch),
        work_{&launch.kernel->entry, parameters, launch.registers},
        blocks_(uint64_t{launch.grid.x} * launch.grid.y * launch.grid.z),
        turns_(static_cast<int>(std::min<uint64_t>(blocks_, turns()))),
        residents_(blocks_, std::max(turns_, std::min(launch.residents, MOST_RESIDENTS)), turns_) {}

  Outcome run() {
    Checker::get().beginLaunch(launch_.overlapped);
    Workers::get().run(turns_, [this](int worker) { serve(worker); });
    return outcome_;
  }

 private:
  static int turns() {
    // The checked build compares accesses in the order in which they happen, the profile build has one count: one block at a time.
    const bool oneByOne = Checker::get().enabled() || Profiler::get().enabled() || Settings::get().order != Order::FORWARD;
    return oneByOne ? 1 : Workers::get().count();
  }

  void serve(int number) {
    Worker& worker = workerOfThisThread();
    SharedMemory& shared = worker.sharedOf(*launch_.kernel->module);
    for (uint64_t i; residents_.next(i);) {
      shared.prepare(launch_.dynamicSharedBytes);
      switch (worker.block.run(work_, viewOf(i), residents_, number)) {
        case Block::DONE:
          if (shared.isIntact()) break;
          setFailed(std::string("kernel ") + launch_.kernel->entry.name + ": illegal address: a write past the " +
                    std::to_string(launch_.dynamicSharedBytes) + " bytes of dynamic shared memory");
          break;
        case Block::FAILED: {
          const std::string line = Checker::get().blamedLine(*launch_.kernel->module);
          setFailed(worker.block.error() + (line.empty() ? "" : " at " + line));
          break;
        }
        case Block::STOPPED:
          break;
      }
    }
    residents_.leave(worker.block);
  }

  BlockView viewOf(uint64_t i) const {
    if (Settings::get().order == Order::REVERSE) i = blocks_ - 1 - i;
    const dim3 grid = launch_.grid;
    const uint3 index = {static_cast<unsigned>(i % grid.x), static_cast<unsigned>(i / grid.x % grid.y),
                         static_cast<unsigned>(i / (uint64_t{grid.x} * grid.y))};
    return {index, launch_.block, grid};
  }

  void setFailed(const std::string& message) {
    std::lock_guard<std::mutex> lock(mutex_);
    if (outcome_.kind == Outcome::DONE) outcome_ = {kindOf(message), message};
    residents_.stop();
  }

  const Launch& launch_;
  const Work work_;
  const uint64_t blocks_;
  const int turns_;
  Residents residents_;
  std::mutex mutex_;
  Outcome outcome_;
};

}  // namespace

Outcome runGrid(const Launch& launch, void** parameters) { return Grid(launch, parameters).run(); }

void inParallel(int count, const std::function<void(int)>& task) {
  std::atomic<int> next{0};
  Workers::get().run(count, [&](int) {
    for (int i; (i = next++) < count;) task(i);
  });
}

}  // namespace sim
