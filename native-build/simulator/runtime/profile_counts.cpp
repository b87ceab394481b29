#include "profile_counts.h"

#include <algorithm>

namespace sim {
namespace {

constexpr int WORD_BYTES = 4, BANKS = 32;

/** The most distinct words in one bank that lanes `begin` … `end` − 1 access; 0 if none is active. */
int wavefrontsOf(const Request& request, int begin, int end) {
  uint64_t words[BANKS][32];
  int counts[BANKS] = {};
  int most = 0;
  for (int lane = begin; lane < end; lane++) {
    if (!(request.mask >> lane & 1)) continue;
    const uint64_t last = (request.addresses[lane] + request.bytes - 1) / WORD_BYTES;
    for (uint64_t word = request.addresses[lane] / WORD_BYTES; word <= last; word++) {
      uint64_t* known = words[word % BANKS];
      int& count = counts[word % BANKS];
      if (std::find(known, known + count, word) != known + count) continue;
      known[count++] = word;
      most = std::max(most, count);
    }
  }
  return most;
}

}  // namespace

const char* nameOf(Event event) {
  static constexpr const char* NAMES[] = {
      "global_load", "global_store", "global_atomic", "global_copy", "shared_copy", "shared_load",  "shared_store",
      "shared_atomic", "matrix_load", "matrix_store", "mma", "wgmma", "special", "shuffle", "vote", "warp_barrier",
      "barrier", "named_barrier", "mbarrier_wait", "flag"};
  return NAMES[static_cast<int>(event)];
}

Sectors::Sectors(const Request& request) {
  uint32_t used[96];
  for (int lane = 0; lane < 32; lane++) {
    if (!(request.mask >> lane & 1)) continue;
    const uint64_t end = request.addresses[lane] + request.bytes;
    for (uint64_t from = request.addresses[lane]; from < end;) {
      const uint64_t sector = from / BYTES, to = std::min(end, (sector + 1) * BYTES);
      int i = count - 1;
      while (i >= 0 && numbers[i] != sector) i--;
      if (i < 0) {
        i = count++;
        numbers[i] = sector;
        used[i] = 0;
      }
      used[i] |= static_cast<uint32_t>((uint64_t{1} << (to - from)) - 1) << from % BYTES;
      from = to;
    }
  }
  for (int i = 0; i < count; i++) bytes += __builtin_popcount(used[i]);
}

Wavefronts::Wavefronts(const Request& request) {
  const int lanes = request.bytes > 8 ? 8 : request.bytes > 4 ? 16 : 32;
  for (int begin = 0; begin < 32; begin += lanes) {
    const int its = wavefrontsOf(request, begin, begin + lanes);
    count += its;
    least += its > 0;
  }
}

}  // namespace sim
