#include "knowledge.h"

#include <algorithm>

namespace sim {
namespace {

using Stamps = std::vector<Stamp>;

void raise(Stamps& stamps, const Stamps& other) {
  if (stamps.size() < other.size()) stamps.resize(other.size());
  for (size_t i = 0; i < other.size(); i++) stamps[i] = std::max(stamps[i], other[i]);
}

/** The lanes of a warp usually merge the same knowledge: the last union is cached. */
Horizon united(const Horizon& a, const Horizon& b) {
  static Horizon lastA, lastB, lastUnion;
  if (b == nullptr || a == b) return a;
  if (a == nullptr) return b;
  if (a != lastA || b != lastB) {
    auto stamps = std::make_shared<Stamps>(*a);
    raise(*stamps, *b);
    lastA = a, lastB = b, lastUnion = std::move(stamps);
  }
  return lastUnion;
}

}  // namespace

void Witness::begin(unsigned itsNumber) {
  known = fenced = nullptr;
  number = itsNumber;
  ownFenced = 0;
}

void Witness::learn(const Knowledge& other) {
  known = united(known, other.known);
  fenced = united(fenced, other.fenced);
}

void Board::leave(const Witness& from, Stamp now) {
  known_.add(from.known);
  known_.set(from.number, now);
  fenced_.add(from.fenced);
  if (from.ownFenced > 0) fenced_.set(from.number, from.ownFenced);
}

void Board::clear() { known_ = fenced_ = Side(); }

Knowledge Board::read() { return {known_.show(), fenced_.show()}; }

void Board::Side::add(const Horizon& horizon) {
  if (horizon == nullptr || horizon == last) return;
  raise(stamps, *horizon);
  last = horizon;
  shown = nullptr;
}

void Board::Side::set(unsigned thread, Stamp stamp) {
  if (stamps.size() <= thread) stamps.resize(thread + 1);
  stamps[thread] = std::max(stamps[thread], stamp);
  shown = nullptr;
}

Horizon Board::Side::show() {
  if (shown == nullptr && !stamps.empty()) shown = std::make_shared<const Stamps>(stamps);
  return shown;
}

}  // namespace sim
