#include "grid.h"

#include "block.h"
#include "checker.h"
#include "settings.h"
#include "shared_memory.h"
#include "workers.h"

#include <atomic>
#include <map>
#include <memory>
#include <mutex>

namespace sim {
namespace {

/** What an OS thread needs to run blocks; made when it first does. */
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

/** The blocks of one launch, shared out among workers. */
class Grid {
 public:
  Grid(const Launch& launch, void** parameters)
      : launch_(launch), parameters_(parameters), blocks_(uint64_t{launch.grid.x} * launch.grid.y * launch.grid.z) {}

  Outcome run() {
    // The checked build compares accesses in the order in which they happen: one OS thread.
    const bool oneByOne = Checker::get().enabled() || Settings::get().order != Order::FORWARD;
    const auto workers = oneByOne ? 1 : static_cast<int>(std::min<uint64_t>(blocks_, Workers::get().count()));
    Workers::get().run(workers, [this](int) { serve(); });
    return outcome_;
  }

 private:
  void serve() {
    Worker& worker = workerOfThisThread();
    SharedMemory& shared = worker.sharedOf(*launch_.kernel->module);
    Checker::get().beginLaunch(worker.block.interval() + 1);
    for (uint64_t i; !failed_ && (i = next_++) < blocks_;) {
      shared.prepare(launch_.dynamicSharedBytes);
      if (!worker.block.run({&launch_.kernel->entry, parameters_}, viewOf(i))) {
        setFailed(worker.block.error());
      } else if (!shared.isIntact()) {
        setFailed(std::string("kernel ") + launch_.kernel->entry.name + ": illegal address: a write behind the " +
                  std::to_string(launch_.dynamicSharedBytes) + " bytes of dynamic shared memory");
      }
    }
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
    if (!failed_) outcome_ = {kindOf(message), message};
    failed_ = true;
  }

  const Launch& launch_;
  void** const parameters_;
  const uint64_t blocks_;
  std::atomic<uint64_t> next_{0};
  std::atomic<bool> failed_{false};
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
