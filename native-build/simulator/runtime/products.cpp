#include "products.h"

#include "block.h"
#include "checker.h"
#include "profiler.h"
#include "shared_memory.h"

#include <algorithm>
#include <cstring>

namespace sim {
namespace {

constexpr int M = 64, K = 16, MAX_N = 256;
/** A NaN that arithmetic never produces. */
constexpr uint32_t UNDER_WAY = 0x7fe5a5a5;

/**
 * An operand in shared memory, by its descriptor. Rows have 128 bytes; the 16-byte chunk c of row r is at chunk c ^ (r % 8);
 * groups of eight rows are `stride` bytes apart. K-major: rows are M or N, with K along them. MN-major: rows are K, with 64
 * elements of M or N along them; the next 64 are `leading` bytes further.
 */
class Operand {
 public:
  Operand(uint64_t descriptor, int rows, bool rowsAreK)
      : start_((descriptor & 0x3fff) << 4),
        leading_((descriptor >> 16 & 0x3fff) << 4),
        stride_((descriptor >> 32 & 0x3fff) << 4),
        size_(rows),
        rowsAreK_(rowsAreK) {
    constexpr uint64_t UNUSED = uint64_t{3} << 14 | uint64_t{3} << 30 | uint64_t{7} << 46 | uint64_t{0x3ff} << 52;
    if (descriptor >> 62 != 1) fail("wgmma: only the 128-byte swizzle is emulated, not mode %d", static_cast<int>(descriptor >> 62));
    if (descriptor & UNUSED) fail("wgmma: unused bits of the descriptor %016lx are set: an offset too large?", descriptor);
    if (descriptor >> 49 & 7 || start_ % 1024 >= 128) {
      fail("wgmma: misaligned address: operands must start in the first row of 1024 bytes, not at %u", start_);
    }
    const uint32_t along = rowsAreK ? std::min(size_, 64) * 2 : K * 2;
    if (start_ % 128 + along > 128) fail("wgmma: the operand at %u exceeds its rows of 128 bytes", start_);
  }

  /** use(address, n, k) for each 16 bytes, eight elements along the row. */
  template <typename Use>
  void forEachChunk(Use use) const {
    for (int row = 0; row < (rowsAreK_ ? K : size_); row++) {
      for (int i = 0; i < (rowsAreK_ ? size_ : K); i += 8) {
        const uint32_t offset = start_ + row / 8 * stride_ + row % 8 * 128 + i / 64 * leading_ + i % 64 * 2;
        const char* address = SharedMemory::current()->at(offset ^ (offset >> 7 & 7) << 4, 16);
        if (address == nullptr) fail("wgmma: illegal address: byte %u is outside the block's shared memory", offset);
        use(address, rowsAreK_ ? i : row, rowsAreK_ ? row : i);
      }
    }
  }

 private:
  uint32_t start_, leading_, stride_;
  int size_;
  bool rowsAreK_;
};

Operand operandA(const Product& product) { return Operand(product.a, M, false); }
Operand operandB(const Product& product) { return Operand(product.b, 2 * product.count, product.rowsAreK); }

float bf16At(const char* chunk, int i) {
  uint16_t bits;
  std::memcpy(&bits, chunk + 2 * i, 2);
  return bf16Half(bits, 0);
}

struct Matrices {
  float a[M][K], b[K][MAX_N], d[M][MAX_N];
};

/** d (+)= a (M, K) · b (K, columns), summed over k in order. */
__attribute__((optimize("O3", "fp-contract=off"), target_clones("avx512f", "avx2", "default"))) void multiplyAdd(const float* a, const float* b, float* d,
                                                                                       int columns, bool add) {
  for (int row = 0; row < M; row++, d += MAX_N) {
    if (!add) std::fill(d, d + columns, 0.0f);
    for (int k = 0; k < K; k++) {
      const float factor = a[row * K + k];
      for (int n = 0; n < columns; n++) d[n] += factor * b[k * MAX_N + n];
    }
  }
}

bool overlap(const void* a, size_t aBytes, const void* b, size_t bBytes) {
  const auto *first = static_cast<const char*>(a), *second = static_cast<const char*>(b);
  return first < second + bBytes && second < first + aBytes;
}

}  // namespace

/** use(address) for each 16 bytes that it reads from shared memory. */
template <typename Use>
void Products::Step::forEachChunk(Use use) const {
  const auto useAddress = [&](const char* address, int, int) { use(address); };
  if (!aInRegisters) operandA(product).forEachChunk(useAddress);
  operandB(product).forEachChunk(useAddress);
}

void Products::clear() {
  if (!fenced_ && sums_.empty() && open_.empty() && groups_.empty()) return;
  sums_.clear();
  groups_.clear();
  open_.clear();
  fenced_ = false;
}

// ---- issued by one thread -------------------------------------------------------------------------------------------

void Products::issue(const Product& product, bool firstLane) {
  if (!fenced_) sim::fail("wgmma: no wgmma.fence since the thread could last touch its registers");
  Step step{sumsOf(product), product.aRegisters != nullptr, {}, product};
  if (firstLane) step.forEachChunk([](const char* chunk) { Checker::get().noteProductIssued(chunk, 16); });
  if (step.aInRegisters) std::memcpy(step.a, product.aRegisters, sizeof step.a);
  open_.push_back(step);
}

/** The sums that a product adds to; their values are taken over if no product is in flight yet. */
size_t Products::sumsOf(const Product& product) {
  for (size_t i = 0; i < sums_.size(); i++) {
    Sums& sums = sums_[i];
    if (sums.underWay == 0 || !overlap(product.d, product.count * 4, sums.registers, sums.values.size() * 4)) continue;
    if (sums.registers != product.d || static_cast<int>(sums.values.size()) != product.count) {
      sim::fail("wgmma: its sums overlap those of a product of another shape in flight");
    }
    sums.underWay++;
    return i;
  }
  size_t place = 0;
  while (place < sums_.size() && sums_[place].underWay > 0) place++;
  if (place == sums_.size()) sums_.emplace_back();
  sums_[place].registers = product.d;
  sums_[place].values.assign(product.d, product.d + product.count);
  sums_[place].underWay = 1;
  for (int i = 0; i < product.count; i++) std::memcpy(product.d + i, &UNDER_WAY, 4);
  return place;
}

void Products::commit() {
  groups_.push_back(std::move(open_));
  open_.clear();
}

const char* Products::misuse(const void* address, size_t bytes, bool read) const {
  if (sums_.empty()) return nullptr;
  for (const Sums& sums : sums_) {
    if (sums.underWay == 0 || !overlap(address, bytes, sums.registers, sums.values.size() * 4)) continue;
    return read ? "sums of a wgmma are read before it was waited for" : "sums of a wgmma are written before it was waited for";
  }
  if (read) return nullptr;
  for (const auto& group : groups_) {
    for (const Step& step : group) {
      if (!step.aInRegisters || !overlap(address, bytes, step.product.aRegisters, sizeof step.a)) continue;
      return "registers that a wgmma reads are written before it was waited for";
    }
  }
  return nullptr;
}

// ---- done by the warpgroup ------------------------------------------------------------------------------------------

bool Products::Step::matches(const Step& other) const {
  return sums == other.sums && aInRegisters == other.aInRegisters && product.count == other.product.count &&
         product.a == other.product.a && product.b == other.product.b && product.add == other.product.add &&
         product.rowsAreK == other.product.rowsAreK;
}

void Products::requireSame(const Products& other) const {
  const auto match = [](const Step& a, const Step& b) { return a.matches(b); };
  bool same = groups_.size() == other.groups_.size() && open_.size() == other.open_.size();
  for (size_t i = 0; same && i < groups_.size(); i++) {
    same = std::equal(groups_[i].begin(), groups_[i].end(), other.groups_[i].begin(), other.groups_[i].end(), match);
  }
  if (!same) sim::fail("wgmma: the threads of the warpgroup have issued different products");
}

void Products::complete(Fiber* const* threads, int groups) {
  const Products& first = threads[0]->products;
  for (int t = 1; t < WARPGROUP; t++) threads[t]->products.requireSame(first);
  while (static_cast<int>(first.groups_.size()) > groups) {
    const std::vector<Step>& steps = first.groups_.front();
    for (size_t begin = 0, end; begin < steps.size(); begin = end) {
      for (end = begin + 1; end < steps.size() && steps[end].sums == steps[begin].sums;) end++;
      multiply(threads, begin, end);
    }
    for (int t = 0; t < WARPGROUP; t++) threads[t]->products.endGroup();
  }
  for (const auto& group : first.groups_) {  // what they read is not free yet, even if a finished product has read it too
    for (const Step& step : group) step.forEachChunk([](const char* chunk) { Checker::get().noteProductUnderWay(chunk, 16); });
  }
  for (int t = 0; t < WARPGROUP; t++) threads[t]->products.fenced_ = false;
}

/** Sums without products in flight belong to the thread again. */
void Products::endGroup() {
  for (const Step& step : groups_.front()) {
    Sums& sums = sums_[step.sums];
    if (--sums.underWay > 0) continue;
    for (float* d = sums.registers; d < sums.registers + sums.values.size(); d++) {
      if (std::memcmp(d, &UNDER_WAY, 4) != 0) sim::fail("wgmma: its sums were written before it was waited for");
    }
    std::copy(sums.values.begin(), sums.values.end(), sums.registers);
  }
  groups_.pop_front();
}

/** Steps `begin` … `end` − 1 of the oldest group, which share their sums. */
void Products::multiply(Fiber* const* threads, size_t begin, size_t end) {
  static thread_local auto* matrices = new Matrices();  // its OS thread never ends
  auto& [a, b, d] = *matrices;
  const Step& first = threads[0]->products.groups_.front()[begin];
  const int columns = 2 * first.product.count;
  // Thread t has rows and columns of D as hopper.cuh says; likewise for A.
  const auto rowOf = [](int t) { return t / 32 * 16 + t % 32 / 4; };
  for (int t = 0; t < WARPGROUP; t++) {
    const float* values = threads[t]->products.sums_[first.sums].values.data();
    for (int i = 0; i < first.product.count; i++) d[rowOf(t) + (i >> 1 & 1) * 8][i / 4 * 8 + t % 4 * 2 + (i & 1)] = values[i];
  }
  for (size_t s = begin; s < end; s++) {
    const Step& step = threads[0]->products.groups_.front()[s];
    if (step.aInRegisters) {
      for (int t = 0; t < WARPGROUP; t++) {
        const uint32_t* pairs = threads[t]->products.groups_.front()[s].a;
        for (int i = 0; i < 8; i++) a[rowOf(t) + (i >> 1 & 1) * 8][i / 4 * 8 + t % 4 * 2 + (i & 1)] = bf16Half(pairs[i / 2], i & 1);
      }
    } else {
      operandA(step.product).forEachChunk([](const char* chunk, int row, int k) {
        for (int i = 0; i < 8; i++) matrices->a[row][k + i] = bf16At(chunk, i);
      });
    }
    operandB(step.product).forEachChunk([&](const char* chunk, int n, int k) {
      for (int i = 0; i < 8; i++) (step.product.rowsAreK ? matrices->b[k][n + i] : matrices->b[k + i][n]) = bf16At(chunk, i);
    });
    step.forEachChunk([](const char* chunk) { Checker::get().noteProductDone(chunk, 16); });
    multiplyAdd(&a[0][0], &b[0][0], &d[0][0], columns, step.product.add);
  }
  for (int t = 0; t < WARPGROUP; t++) {
    float* values = threads[t]->products.sums_[first.sums].values.data();
    for (int i = 0; i < first.product.count; i++) values[i] = d[rowOf(t) + (i >> 1 & 1) * 8][i / 4 * 8 + t % 4 * 2 + (i & 1)];
  }
}

// ---- as kernels call them -------------------------------------------------------------------------------------------

void issueProduct(const Product& product) {
  Fiber& me = Block::current()->running();
  me.products.issue(product, me.lane == 0);
  // Each of the four warps does a quarter of the rows.
  if (me.lane == 0) Profiler::get().wgmma(uint64_t{2} * M / 4 * 2 * product.count * K, SIM_CALLER);
}
void wgmmaFence() { Block::current()->running().products.fence(); }
void wgmmaCommit() { Block::current()->running().products.commit(); }
void wgmmaWait(int groups, int line) {
  Block::current()->meetWarpgroup({"wgmma.wait_group", line}, groups, [](Block&, Fiber* const* threads, int left) {
    Products::complete(threads, left);
  });
}

}  // namespace sim
