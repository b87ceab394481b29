#include "profiler.h"

#include "block.h"
#include "checker.h"
#include "settings.h"
#include "shared_memory.h"

#include <algorithm>
#include <cstring>

namespace sim {
namespace {

constexpr size_t CELL_BYTES = 2, CELLS_OF_WORD = 64, CELLS_OF_SECTOR = Sectors::BYTES / CELL_BYTES;

/** Numeric parameters as they are; of addresses only the alignment. */
std::string textOf(const void* parameter, int bytes) {
  std::string text;
  const auto* from = static_cast<const char*>(parameter);
  for (int i = 0; i < bytes;) {
    const int width = bytes - i >= 8 ? 8 : bytes - i >= 4 ? 4 : 1;
    int64_t value = 0;
    std::memcpy(&value, from + i, width);
    if (width == 4) value = static_cast<int32_t>(value);
    if (width == 8 && DeviceMemory::get().contains(reinterpret_cast<const void*>(value), 1)) {
      text += " pointer/" + std::to_string(std::min<int64_t>(value & -value, DeviceMemory::ALIGNMENT));
    } else {
      text += " " + std::to_string(value);
    }
    i += width;
  }
  return text;
}

std::string textOf(dim3 size) { return std::to_string(size.x) + " " + std::to_string(size.y) + " " + std::to_string(size.z); }

Event eventOf(const char* collective) {
  const auto begins = [&](const char* with) { return std::strncmp(collective, with, std::strlen(with)) == 0; };
  if (begins("mma")) return Event::MMA;
  if (begins("ldmatrix")) return Event::MATRIX_LOAD;
  if (begins("stmatrix")) return Event::MATRIX_STORE;
  if (begins("__shfl")) return Event::SHUFFLE;
  return begins("__syncwarp") ? Event::WARP_BARRIER : Event::VOTE;
}

constexpr uint64_t FLOPS_OF_MMA = 2 * 16 * 8 * 16;

}  // namespace

Profiler& Profiler::get() {
  static auto* profiler = new Profiler();  // never destroyed: workers outlive main
  return *profiler;
}

void Profiler::enable() {
  if (enabled_) return;
  enabled_ = true;
  Checker::get().disable();
  if (!Settings::get().profile.empty()) std::atexit([] { Profiler::get().write(); });
}

// ---- called by the host ---------------------------------------------------------------------------------------------

bool Profiler::beginLaunch(const Launch& launch, void** parameters) {
  const KernelEntry& entry = launch.kernel->entry;
  std::string key = std::string(entry.name) + " " + textOf(launch.grid) + " " + textOf(launch.block) + " " +
                    std::to_string(launch.dynamicSharedBytes);
  for (int i = 0; i < entry.parameters; i++) key += textOf(parameters[i], entry.parameterBytes[i]);
  const auto [found, isNew] = known_.insert({key, records_.size()});
  if (isNew) {
    records_.emplace_back();
    records_.back().key = key;
    records_.back().module = launch.kernel->module;
  }
  sequence_.push_back("kernel " + std::to_string(found->second));
  records_[found->second].times++;
  record_ = isNew ? &records_.back() : nullptr;
  return isNew;
}

void Profiler::endLaunch() {
  countTouched(*record_);
  record_->sites = std::move(sites_);
  sites_.clear();
  numbers_.clear();
  touched_.clear();
  latest_ = nullptr;
}

bool Profiler::note(const ProductCall& product) {
  if (!enabled_) return false;
  char text[200];
  std::snprintf(text, sizeof text, "%d %d %d %d %d %d %d %d %d %d %d", product.m, product.n, product.k, product.batches,
                product.inputBytes, product.outputBytes, product.adds, product.bias, product.gelu, product.geluSlope,
                product.tensorCores);
  const auto [found, isNew] = products_.insert({text, {products_.size(), 0}});
  found->second.second++;
  sequence_.push_back("product " + std::to_string(found->second.first));
  return true;
}

void Profiler::mark(const std::string& text) {
  if (enabled_) sequence_.push_back("mark " + text);
}

// ---- called by threads ----------------------------------------------------------------------------------------------

unsigned Profiler::siteOf(Event event, const void* code) {
  const uint64_t key = reinterpret_cast<uint64_t>(code) << 5 | static_cast<uint64_t>(event);
  const auto [found, isNew] = numbers_.insert({key, sites_.size()});
  if (isNew) sites_.push_back({event, code, {}});
  return found->second;
}

void Profiler::add(Event event, const void* code, uint64_t address, unsigned bytes) {
  Block& block = *Block::current();
  const Fiber& fiber = block.running();
  block.requests().add(fiber.index / 32, fiber.lane, block.liveLanes(), siteOf(event, code), address, bytes);
}

void Profiler::noteAccess(const void* address, size_t bytes, Access access, const void* code) {
  Block* block = Block::current();
  if (block == nullptr || block->stacks().contains(address)) return;
  if (inCollective_) {
    rows_.push_back(reinterpret_cast<uint64_t>(address));
    return;
  }
  constexpr size_t WIDEST = 16;
  for (; bytes > WIDEST; bytes -= WIDEST, address = static_cast<const char*>(address) + WIDEST) noteAccess(address, WIDEST, access, code);
  const bool reads = access == Access::READ, writes = access == Access::WRITE;
  if (SharedMemory::current()->all().contains(address)) {
    // The guard flag that g++ adds to arrays of bf16, which have an empty constructor.
    if (bytes == 1 && SharedMemory::current()->dynamicArray(address) == nullptr) return;
    const Event event = reads ? Event::SHARED_LOAD : writes ? Event::SHARED_STORE : Event::SHARED_ATOMIC;
    return add(event, code, reinterpret_cast<uint64_t>(address), bytes);
  }
  Allocation* allocation = latest_ != nullptr && latest_->contains(address, bytes) ? latest_ : DeviceMemory::get().near(address);
  if (allocation == nullptr || !allocation->contains(address, bytes)) return;  // constants of the module, or a thread's own state
  const Event event = reads ? Event::GLOBAL_LOAD : writes ? Event::GLOBAL_STORE : Event::GLOBAL_ATOMIC;
  add(event, code, touch(*allocation, address, bytes, !writes, !reads), bytes);
}

/** Returns the address as if the allocation were page-aligned; here it is aligned to only 16 bytes, on a device to at least 256. */
uint64_t Profiler::touch(Allocation& allocation, const void* address, size_t bytes, bool reads, bool writes) {
  if (latest_ != &allocation) {
    latest_ = &allocation;
    latestTouched_ = &touched_[&allocation];
    if (latestTouched_->read == nullptr) {
      const size_t words = allocation.bytes / CELL_BYTES / CELLS_OF_WORD + 1;
      latestTouched_->read.reset(static_cast<uint64_t*>(std::calloc(words, sizeof(uint64_t))));
      latestTouched_->written.reset(static_cast<uint64_t*>(std::calloc(words, sizeof(uint64_t))));
    }
  }
  const size_t offset = static_cast<const char*>(address) - allocation.address;
  Touched& touched = *latestTouched_;
  for (size_t cell = offset / CELL_BYTES; cell <= (offset + bytes - 1) / CELL_BYTES; cell++) {
    const size_t word = cell / CELLS_OF_WORD;
    const uint64_t bit = uint64_t{1} << cell % CELLS_OF_WORD;
    if (reads) touched.read[word] |= bit & ~touched.written[word];
    if (writes) touched.written[word] |= bit;
    touched.firstWord = std::min(touched.firstWord, word);
    touched.lastWord = std::max(touched.lastWord, word);
  }
  return reinterpret_cast<uint64_t>(allocation.mapping) + offset;
}

void Profiler::countTouched(Record& record) {
  const auto sectorsIn = [](uint64_t word) {
    int count = 0;
    for (; word != 0; word >>= CELLS_OF_SECTOR) count += (word & ((1 << CELLS_OF_SECTOR) - 1)) != 0;
    return count;
  };
  for (const auto& [allocation, touched] : touched_) {
    for (size_t word = touched.firstWord; word <= touched.lastWord; word++) {
      record.readBytes += __builtin_popcountll(touched.read[word]) * CELL_BYTES;
      record.readSectors += sectorsIn(touched.read[word]);
      record.writtenBytes += __builtin_popcountll(touched.written[word]) * CELL_BYTES;
      record.writtenSectors += sectorsIn(touched.written[word]);
    }
  }
}

void Profiler::copy(const void* shared, const void* global, size_t bytes, size_t bytesRead, const void* code) {
  if (!enabled_) return;
  if (bytesRead > 0) {
    add(Event::GLOBAL_COPY, code, touch(*DeviceMemory::get().near(global), global, bytesRead, true, false), bytesRead);
  }
  add(Event::SHARED_COPY, code, reinterpret_cast<uint64_t>(shared), bytes);
}

void Profiler::special(int operations, const void* code) {
  if (enabled_) add(Event::SPECIAL, code, 0, operations);
}

void Profiler::wgmma(uint64_t flopsOfWarp, const void* code) {
  if (!enabled_) return;
  Counts& counts = sites_[siteOf(Event::WGMMA, code)].counts;
  counts.requests++;
  counts.lanes += 32;
  counts.work += flopsOfWarp;
}

void Profiler::warpMet(unsigned warp) {
  if (enabled_) Block::current()->requests().finish(warp);
}

void Profiler::blockMet() {
  if (enabled_) Block::current()->requests().finishAll();
}

void Profiler::endBlock() {
  if (enabled_) Block::current()->requests().endBlock();
}

// ---- collective operations ------------------------------------------------------------------------------------------

void Profiler::beginCollective(const char* what, const void* code, unsigned mask) {
  if (!enabled_) return;
  inCollective_ = true;
  collective_ = eventOf(what);
  collectiveCode_ = code;
  collectiveMask_ = mask;
  rows_.clear();
}

/** A matrix of 8 rows of 16 bytes is one wavefront if its rows lie in different banks. */
void Profiler::endCollective() {
  if (!enabled_) return;
  inCollective_ = false;
  Counts& counts = sites_[siteOf(collective_, collectiveCode_)].counts;
  counts.requests++;
  counts.lanes += __builtin_popcount(collectiveMask_);
  if (collective_ == Event::MMA) counts.work += FLOPS_OF_MMA;
  for (size_t i = 0; i + 8 <= rows_.size(); i += 8) {
    Request matrix;
    matrix.mask = 0xff;
    matrix.bytes = 16;
    std::copy(rows_.begin() + i, rows_.begin() + i + 8, matrix.addresses);
    counts.work += 8 * 16;
    counts.moved += Wavefronts(matrix).count;
    counts.least++;
  }
}

// ---- counting -------------------------------------------------------------------------------------------------------

void Profiler::count(Requests& block, unsigned site, const Request& request) {
  const Event event = sites_[site].event;
  Counts& counts = sites_[site].counts;
  const int lanes = __builtin_popcount(request.mask);
  counts.requests++;
  counts.lanes += lanes;
  counts.work += uint64_t{request.bytes} * lanes;
  if (isGlobal(event)) {
    const Sectors sectors(request);
    counts.moved += sectors.count;
    counts.least += (sectors.bytes + Sectors::BYTES - 1) / Sectors::BYTES;
    if (event == Event::GLOBAL_LOAD) {
      for (int i = 0; i < sectors.count; i++) counts.first += block.isNew(sectors.numbers[i]);
    }
  } else if (isShared(event)) {
    const Wavefronts wavefronts(request);
    counts.moved += wavefronts.count;
    counts.least += wavefronts.least;
  }
}

// ---- the file -------------------------------------------------------------------------------------------------------

void Profiler::write() const {
  const std::string file = Settings::get().profile, half = file + ".new";
  std::FILE* out = std::fopen(half.c_str(), "w");
  if (out == nullptr) {
    std::fprintf(stderr, "CUDA simulator: CULEBRA_SIM_PROFILE: cannot write %s\n", half.c_str());
    return;
  }
  write(out);
  if (std::fclose(out) != 0 || std::rename(half.c_str(), file.c_str()) != 0) std::perror(("CUDA simulator: " + file).c_str());
}

/** Lines of words, which build-kernels/ProfileLog.java reads and explains. */
void Profiler::write(std::FILE* file) const {
  std::fprintf(file, "culebra-profile 1\ncapability %d\n", Settings::get().capability);
  for (const Record& record : records_) {
    std::fprintf(file, "kernel %zu %zu %zu %zu %zu %s\n", static_cast<size_t>(record.times), static_cast<size_t>(record.readBytes),
                 static_cast<size_t>(record.readSectors), static_cast<size_t>(record.writtenBytes),
                 static_cast<size_t>(record.writtenSectors), record.key.c_str());
    std::fprintf(file, "module %s\n", record.module->file.c_str());
    for (const Site& site : record.sites) {
      // A call returns to what stands behind it.
      const uintptr_t offset = record.module->contains(site.code) ? reinterpret_cast<uintptr_t>(site.code) - record.module->begin - 1 : 0;
      const Counts& c = site.counts;
      std::fprintf(file, "count %s %zx %zu %zu %zu %zu %zu %zu\n", nameOf(site.event), static_cast<size_t>(offset),
                   static_cast<size_t>(c.requests), static_cast<size_t>(c.lanes), static_cast<size_t>(c.work),
                   static_cast<size_t>(c.moved), static_cast<size_t>(c.least), static_cast<size_t>(c.first));
    }
  }
  std::vector<const std::string*> products(products_.size());
  for (const auto& [text, numbers] : products_) products[numbers.first] = &text;
  for (const std::string* text : products) {
    std::fprintf(file, "product %zu %s\n", static_cast<size_t>(products_.at(*text).second), text->c_str());
  }
  for (const std::string& line : sequence_) std::fprintf(file, "run %s\n", line.c_str());
}

// ---- exported functions ---------------------------------------------------------------------------------------------

void enterProfile() { Profiler::get().enable(); }
void noteSpecial(int operations) { Profiler::get().special(operations, __builtin_return_address(0)); }

}  // namespace sim
