#include "checker.h"

#include "profiler.h"

#include <cstdio>

namespace sim {

Checker& Checker::get() {
  static auto* checker = new Checker();  // never destroyed: workers outlive main
  return *checker;
}

// ---- ordering of threads --------------------------------------------------------------------------------------------

void Checker::beginLaunch(bool overlapped) {
  if (!enabled_) return;
  launched_ = ++now_;
  overlapped_ = overlapped;
  if (!overlapped) unfinishedSince_ = launched_;
  flags_.clear();
  lastNumber_ = MOST_RESIDENTS;
}

Stamp Checker::beginBlock(Fiber* fibers, int count, unsigned firstNumber) {
  if (!enabled_) return 0;
  for (int i = 0; i < count; i++) fibers[i].witness.begin(firstNumber + i);
  return ++now_;
}

void Checker::meet(Fiber* const* fibers, int count) {
  if (!enabled_) return;
  Board board;
  now_++;
  for (int i = 0; i < count; i++) board.leave(fibers[i]->witness, now_);
  const Knowledge all = board.read();
  for (int i = 0; i < count; i++) static_cast<Knowledge&>(fibers[i]->witness) = all;
}

void Checker::leave(const Fiber& fiber, Board& board) {
  if (enabled_) board.leave(fiber.witness, ++now_);
}

void Checker::learn(Fiber& fiber, const Knowledge& others) {
  if (enabled_) fiber.witness.learn(others);
}

void Checker::leave(const Fiber& fiber, const int* flag) {
  if (!enabled_) return;
  Board& board = flags_[flag];
  board.clear();  // later threads are ordered after this thread, and after others only as far as it is
  leave(fiber, board);
}

void Checker::learn(Fiber& fiber, const int* flag) {
  if (enabled_) fiber.witness.learn(flags_[flag].read());
}

void Checker::waitForPreviousKernel(Fiber& fiber) { fiber.waited = true; }

void Checker::fenceProxies(Fiber& fiber) {
  if (enabled_) fiber.witness.fence(++now_);
}

// ---- targets of accesses -------------------------------------------------------------------------------------------

void Checker::noteAccess(const void* address, size_t bytes, Access access, const void* code) {
  if (!enabled_) return;
  code_ = code;
  note(address, bytes, access, access == Access::ATOMIC ? Record::ATOMIC : Record::PLAIN);
}

void Checker::note(const void* address, size_t bytes, Access access, Record::Kind kind) {
  Block* block = Block::current();
  if (block == nullptr) return;
  if (block->stacks().contains(address)) {
    if (const char* problem = block->running().products.misuse(address, bytes, access == Access::READ)) failAccess(problem);
    return;
  }
  if ((bytes & (bytes - 1)) == 0 && reinterpret_cast<uintptr_t>(address) % bytes != 0) {
    failAccess("misaligned address: " + std::to_string(bytes) + " bytes at an address that is not a multiple of that");
  }
  const SharedMemory& shared = *SharedMemory::current();
  if (shared.all().contains(address)) return noteShared(address, bytes, access, kind);
  Allocation* allocation = DeviceMemory::get().near(address);
  if (allocation != nullptr && allocation->contains(address, bytes)) {
    return noteGlobal(*allocation, address, bytes, access, kind);
  }
  // Built-in variables of threads, and the constants of the module.
  const char *p = static_cast<const char*>(address), *self = reinterpret_cast<const char*>(block);
  const bool own = (p >= self && p < self + sizeof(Block)) || address == &thisThread || address == &thisBlock;
  if (!own && !shared.module().contains(address)) failOutside(address, bytes, access, allocation);
}

void Checker::noteShared(const void* address, size_t bytes, Access access, Record::Kind kind) {
  const SharedMemory& shared = *SharedMemory::current();
  if (const Range* array = shared.dynamicArray(address)) {
    const size_t end = static_cast<const char*>(address) - array->first + bytes;
    if (end > shared.dynamicBytes()) {
      failAccess("illegal address: byte " + std::to_string(end - 1) + " of dynamic shared memory, of which the launch provides " +
                 std::to_string(shared.dynamicBytes()));
    }
  } else if (bytes == 1) {
    return;  // a flag by which g++ guards arrays of bf16, which have a constructor that does nothing
  }
  const size_t offset = static_cast<const char*>(address) - shared.all().first;
  noteCells({shadowOfShared(), offset, address, bytes, nullptr}, access, kind);
}

Shadow& Checker::shadowOfShared() {
  const SharedMemory& shared = *SharedMemory::current();
  auto& shadow = shared_[&shared];
  if (shadow == nullptr) shadow = std::make_unique<Shadow>(shared.all().bytes);
  return *shadow;
}

void Checker::noteGlobal(Allocation& allocation, const void* address, size_t bytes, Access access, Record::Kind kind) {
  if (allocation.shadow == nullptr) allocation.shadow = std::make_unique<Shadow>(allocation.bytes);
  const size_t offset = static_cast<const char*>(address) - allocation.address;
  noteCells({*allocation.shadow, offset, address, bytes, &allocation}, access, kind);
}

void Checker::noteCells(const Span& span, Access access, Record::Kind kind) {
  const Record me = recordOf(kind);
  for (size_t i = 0; i < span.bytes; i += Shadow::CELL_BYTES) {
    Cell& cell = span.shadow.at(span.offset + i);
    if (overlapped_ && !span.shared() && !Block::current()->running().waited) judgeEarly(cell, access);
    if (access != Access::WRITE) read(cell, me, span);
    if (access != Access::READ) write(cell, me, span);
  }
}

void Checker::noteHostWrite(Allocation& allocation, const void* address, size_t bytes) {
  if (allocation.shadow == nullptr) allocation.shadow = std::make_unique<Shadow>(allocation.bytes);
  const size_t offset = static_cast<const char*>(address) - allocation.address;
  for (size_t i = 0; i < bytes; i += Shadow::CELL_BYTES) {
    Cell& cell = allocation.shadow->at(offset + i);
    cell = Cell();
    cell.writer.stamp = HOST_WROTE;
  }
}

// ---- asynchronous copies --------------------------------------------------------------------------------------------

void Checker::noteCopyIssued(const void* shared, const void* global, size_t bytes, size_t bytesRead) {
  if (!enabled_) return;
  code_ = nullptr;
  if (bytesRead > 0) note(global, bytesRead, Access::READ, Record::PLAIN);
  note(shared, bytes, Access::WRITE, Record::COPY_UNDER_WAY);
}

void Checker::noteCopyLanded(const void* shared, size_t bytes) { noteAccess(shared, bytes, Access::WRITE, nullptr); }

// ---- products -------------------------------------------------------------------------------------------------------

void Checker::noteProductIssued(const void* address, size_t bytes) {
  if (!enabled_) return;
  code_ = nullptr;
  const Witness& witness = Block::current()->running().witness;
  const Record me = recordOf(Record::PLAIN);
  const size_t offset = static_cast<const char*>(address) - SharedMemory::current()->all().first;
  const Span span{shadowOfShared(), offset, address, bytes, nullptr};
  for (size_t i = 0; i < bytes; i += Shadow::CELL_BYTES) {
    const Record& writer = span.shadow.at(offset + i).writer;
    judgeRead(writer, me, span);
    if (!witness.hasFenced(writer.thread(), writer.stamp)) {
      failAccess("wgmma reads shared memory that thread " + std::to_string(threadOf(writer)) +
                 " of this block has written, without fence.proxy.async in between");
    }
  }
  noteProductUnderWay(address, bytes);
}

/** The number of the first warp of the running thread's warpgroup. */
unsigned Checker::warpgroup() {
  const Fiber& fiber = Block::current()->running();
  return fiber.witness.number / 32 - fiber.index / 32 % 4;
}

void Checker::noteProductUnderWay(const void* address, size_t bytes) {
  if (!enabled_) return;
  Record me = recordOf(Record::PRODUCTS_UNDER_WAY);
  me.warp = warpgroup();
  me.lanes = ~0u;
  const auto isOurs = [&](const Record& record) { return record.warp == me.warp && record.kind >= Record::PRODUCTS_UNDER_WAY; };
  const size_t offset = static_cast<const char*>(address) - SharedMemory::current()->all().first;
  for (size_t i = 0; i < bytes; i += Shadow::CELL_BYTES) {
    auto& readers = shadowOfShared().at(offset + i).readers;
    if (isOurs(readers[1])) {
      readers[1] = me;
    } else {
      if (!isOurs(readers[0])) readers[1] = readers[0];
      readers[0] = me;
    }
  }
}

void Checker::noteProductDone(const void* address, size_t bytes) {
  if (!enabled_) return;
  const unsigned group = warpgroup();
  const size_t offset = static_cast<const char*>(address) - SharedMemory::current()->all().first;
  for (size_t i = 0; i < bytes; i += Shadow::CELL_BYTES) {
    for (Record& reader : shadowOfShared().at(offset + i).readers) {
      if (reader.kind != Record::PRODUCTS_UNDER_WAY || reader.warp != group) continue;
      reader.kind = Record::PRODUCTS_DONE;
      reader.stamp = now_;
    }
  }
}

// ---- checks --------------------------------------------------------------------------------------------------------

Record Checker::recordOf(Record::Kind kind) const {
  const Witness& witness = Block::current()->running().witness;
  Record record;
  record.stamp = now_;
  record.lanes = 1u << witness.number % 32;
  record.warp = witness.number / 32;
  record.kind = kind;
  return record;
}

/** Whether an earlier access and the current one are unordered. */
bool Checker::conflicts(const Record& before, const Record& me, bool shared) const {
  if (before.stamp < launched_) return false;
  if (before.kind == Record::ATOMIC && me.kind == Record::ATOMIC) return false;
  Block& block = *Block::current();
  const bool elsewhere = before.stamp < block.firstStamp() || !block.has(before.warp);
  if (elsewhere && shared) return false;               // another block used this shared memory before
  if (elsewhere && block.has(before.warp)) return true;  // an earlier block with the same number: no flag orders it
  const Witness& witness = block.running().witness;
  switch (before.kind) {
    case Record::PRODUCTS_UNDER_WAY:
      return true;
    case Record::PRODUCTS_DONE:  // each of the four warps has waited: one of its lanes may prove it
      for (unsigned warp = before.warp; warp < before.warp + 4u; warp++) {
        bool known = warp == me.warp;
        for (unsigned lane = 0; lane < 32 && !known; lane++) known = witness.knows(warp * 32 + lane, before.stamp);
        if (!known) return true;
      }
      return false;
    default:
      break;
  }
  uint32_t lanes = before.lanes;
  if (!elsewhere && before.warp == me.warp) lanes &= ~me.lanes;
  for (; lanes != 0; lanes &= lanes - 1) {
    if (!witness.knows(before.warp * 32 + __builtin_ctz(lanes), before.stamp)) return true;
  }
  return false;
}

/** Before an overlapped kernel waits, it must not touch what unfinished kernels write, nor write what they read. */
void Checker::judgeEarly(const Cell& cell, Access access) {
  const auto unfinished = [&](const Record& record) { return record.stamp >= unfinishedSince_ && record.stamp < launched_; };
  const bool wrong = unfinished(cell.writer) || (access != Access::READ && (unfinished(cell.readers[0]) || unfinished(cell.readers[1])));
  if (wrong) failAccess("access to memory that an earlier kernel, which may still be running, uses: this thread has not waited for it");
}

void Checker::judgeRead(const Record& writer, const Record& me, const Span& span) {
  const Stamp oldest = span.shared() ? Block::current()->firstStamp() : HOST_WROTE;
  if (writer.stamp < oldest) {
    failAccess(std::string("read of uninitialised ") + (span.shared() ? "shared" : "global") + " memory: it has not been written yet");
  }
  if (conflicts(writer, me, span.shared())) failRace("reads what is written", writer, span);
  if (writer.kind == Record::COPY_UNDER_WAY) {
    failAccess("read of shared memory into which an asynchronous copy of thread " + std::to_string(threadOf(writer)) +
               " is still in flight: it was not waited for");
  }
}

void Checker::read(Cell& cell, const Record& me, const Span& span) {
  judgeRead(cell.writer, me, span);
  Record& latest = cell.readers[0];
  if (latest.kind == Record::PRODUCTS_UNDER_WAY || conflicts(latest, me, span.shared())) {
    if (latest.warp == me.warp && latest.kind == me.kind) {
      latest.lanes |= me.lanes;  // its stamp stays: later reads by the other lanes are ordered by the same events
      return;
    }
    cell.readers[1] = latest;
  }
  latest = me;
}

void Checker::write(Cell& cell, const Record& me, const Span& span) {
  if (conflicts(cell.writer, me, span.shared())) failRace("writes what is written", cell.writer, span);
  for (const Record& reader : cell.readers) {
    if (conflicts(reader, me, span.shared())) failRace("writes what is read", reader, span);
  }
  cell.writer = me;
}

// ---- errors ---------------------------------------------------------------------------------------------------------

void Checker::failAccess(const std::string& message) {
  blamed_ = code_;
  Block::current()->fail(message);
}

unsigned Checker::threadOf(const Record& record) const { return record.thread() % Block::current()->numbers(); }

void Checker::failRace(const char* what, const Record& other, const Span& span) {
  const Block& block = *Block::current();
  const bool elsewhere = other.stamp < block.firstStamp() || !block.has(other.warp);
  char text[300];
  std::snprintf(text, sizeof text, "race on %s memory: it %s by %s%u of %s, without a barrier in between",
                span.shared() ? "shared" : "global", what, other.kind >= Record::PRODUCTS_UNDER_WAY ? "a wgmma of threads from " : "thread ",
                threadOf(other), elsewhere ? "another block" : "this block");
  std::string place;
  if (!span.shared()) place = " (byte " + std::to_string(span.offset) + " of " + std::to_string(span.allocation->bytes) + ")";
  failAccess(text + place);
}

void Checker::failOutside(const void* address, size_t bytes, Access access, const Allocation* near) {
  char text[300];
  const int end = std::snprintf(text, sizeof text, "illegal address: %s of %zu bytes at %p", access == Access::READ ? "read" : "write",
                                bytes, address);
  if (near != nullptr) {
    std::snprintf(text + end, sizeof text - end, ", %zd bytes after the start of %zu bytes of device memory",
                  static_cast<const char*>(address) - near->address, near->bytes);
  }
  failAccess(text);
}

std::string Checker::blamedLine(const Module& module) {
  const void* code = blamed_;
  blamed_ = nullptr;
  if (code == nullptr || !module.contains(code)) return "";
  // The return address is after the call.
  const uintptr_t offset = reinterpret_cast<uintptr_t>(code) - module.begin - 1;
  char text[1200];
  std::snprintf(text, sizeof text, "addr2line -s -e '%s' 0x%zx 2>/dev/null", module.file.c_str(), offset);
  FILE* answer = popen(text, "r");
  if (answer == nullptr) return "";
  const bool known = std::fgets(text, sizeof text, answer) != nullptr && text[0] != '?';
  pclose(answer);
  const std::string line = known ? text : "";
  return line.substr(0, line.find_first_of(" \n"));
}

void noteAccess(const void* address, int bytes, Access access, const void* code) {
  if (access == Access::ATOMIC) Block::current()->beforeAtomic(address);
  Checker::get().noteAccess(address, bytes, access, nullptr);
  Profiler::get().access(address, bytes, access, code == nullptr ? SIM_CALLER : code);
}

}  // namespace sim
