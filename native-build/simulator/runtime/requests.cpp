#include "requests.h"

#include "profiler.h"

namespace sim {

void Requests::add(unsigned warp, unsigned lane, uint32_t live, unsigned site, uint64_t address, unsigned bytes) {
  std::vector<Visits>& all = visits_[warp];
  if (site >= all.size()) all.resize(site + 1);
  Visits& visits = all[site];
  if (visits.open.empty() && visits.first == 0) active_[warp].push_back(site);
  const uint32_t index = visits.seen[lane]++ - visits.first;
  if (index == visits.open.size()) visits.open.emplace_back();
  Request& request = visits.open[index];
  request.mask |= 1u << lane;
  request.bytes = bytes;
  request.addresses[lane] = address;
  if (index != visits.done || request.mask != live) return;
  while (visits.done < visits.open.size() && visits.open[visits.done].mask == live) {
    Profiler::get().count(*this, site, visits.open[visits.done++]);
  }
  if (visits.done == visits.open.size()) {
    visits.first += visits.open.size();
    visits.open.clear();
    visits.done = 0;
  }
}

void Requests::finish(unsigned warp) {
  for (unsigned site : active_[warp]) {
    Visits& visits = visits_[warp][site];
    for (; visits.done < visits.open.size(); visits.done++) Profiler::get().count(*this, site, visits.open[visits.done]);
    visits.seen.fill(0);
    visits.first = 0;
    visits.done = 0;
    visits.open.clear();
  }
  active_[warp].clear();
}

void Requests::finishAll() {
  for (unsigned warp = 0; warp < MAX_WARPS; warp++) finish(warp);
}

void Requests::endBlock() {
  finishAll();
  sectors_.clear();
}

}  // namespace sim
