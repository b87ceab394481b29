#include "checker.h"

#include <algorithm>
#include <cstdio>

namespace sim {

Checker& Checker::get() {
  static auto* checker = new Checker();  // never destroyed: workers outlive main
  return *checker;
}

// ---- where an access goes -------------------------------------------------------------------------------------------

void Checker::noteAccess(const void* address, size_t bytes, Access access) {
  if (enabled_) note(address, bytes, access, access == Access::ATOMIC ? Record::ATOMIC : Record::PLAIN);
}

void Checker::note(const void* address, size_t bytes, Access access, Record::Kind kind) {
  Block* block = Block::current();
  if (block == nullptr || block->stacks().contains(address)) return;
  const auto number = reinterpret_cast<uintptr_t>(address);
  if ((bytes & (bytes - 1)) == 0 && number % bytes != 0) {
    block->fail("misaligned address: " + std::to_string(bytes) + " bytes at an address that is no multiple of that");
  }
  const SharedMemory& shared = *SharedMemory::current();
  if (shared.all().contains(address)) return noteShared(address, bytes, access, kind);
  Allocation* allocation = DeviceMemory::get().near(address);
  if (allocation != nullptr && allocation->contains(address, bytes)) {
    return noteGlobal(*allocation, address, bytes, access, kind);
  }
  // What threads know of themselves, and the constants of the module.
  const char* p = static_cast<const char*>(address);
  const char* self = reinterpret_cast<const char*>(block);
  const bool own = (p >= self && p < self + sizeof(Block)) || address == &thisThread || address == &thisBlock;
  if (own || shared.module().contains(address)) return;
  char text[200];
  const long offset = allocation == nullptr ? -1 : p - allocation->address;
  std::snprintf(text, sizeof text, "illegal address: %s of %zu bytes at %p, %ld bytes behind the start of %zu bytes of device memory",
                access == Access::READ ? "read" : "write", bytes, address, offset, allocation == nullptr ? 0 : allocation->bytes);
  block->fail(text);
}

void Checker::noteShared(const void* address, size_t bytes, Access access, Record::Kind kind) {
  const SharedMemory& shared = *SharedMemory::current();
  if (const Range* array = shared.dynamicArray(address)) {
    const size_t end = static_cast<const char*>(address) - array->first + bytes;
    if (end > shared.dynamicBytes()) {
      sim::fail("illegal address: byte %zu of dynamic shared memory, of which the launch gives %zu", end - 1, shared.dynamicBytes());
    }
  }
  auto& shadow = shared_[&shared];
  if (shadow == nullptr) shadow = std::make_unique<Shadow>(shared.all().bytes);
  const Span span{*shadow, static_cast<size_t>(static_cast<const char*>(address) - shared.all().first), address, bytes, true};
  const Record me = recordOf(kind);
  for (size_t i = 0; i < bytes; i += Shadow::CELL_BYTES) {
    Cell& cell = shadow->at(span.offset + i);
    if (access != Access::WRITE) read(cell, me, span);
    if (access != Access::READ) write(cell, me, span);
  }
}

void Checker::noteGlobal(Allocation& allocation, const void* address, size_t bytes, Access access, Record::Kind kind) {
  if (allocation.shadow == nullptr) allocation.shadow = std::make_unique<Shadow>(allocation.bytes);
  const size_t offset = static_cast<const char*>(address) - allocation.address;
  const Span span{*allocation.shadow, offset, address, bytes, false};
  const Record me = recordOf(kind);
  for (size_t i = 0; i < bytes; i += Shadow::CELL_BYTES) {
    Cell& cell = span.shadow.at(offset + i);
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
    cell.writer.interval = HOST_WROTE;
  }
}

// ---- asynchronous copies --------------------------------------------------------------------------------------------

void Checker::noteCopyIssued(const void* shared, const void* global, size_t bytes, size_t bytesRead) {
  if (!enabled_) return;
  if (bytesRead > 0) note(global, bytesRead, Access::READ, Record::PLAIN);
  note(shared, bytes, Access::WRITE, Record::COPY_UNDER_WAY);
}

void Checker::noteCopyLanded(const void* shared, size_t bytes) { noteAccess(shared, bytes, Access::WRITE); }

// ---- judging --------------------------------------------------------------------------------------------------------

Record Checker::recordOf(Record::Kind kind) const {
  const Block& block = *Block::current();
  Record record;
  record.interval = block.interval();
  record.thread = Block::current()->running().index;
  record.kind = kind;
  record.warpInterval = block.warpInterval();
  return record;
}

/** Whether nothing orders an access of before and one of now. */
bool Checker::conflicts(const Record& before, const Record& me, bool shared) const {
  if (before.interval < launchInterval_) return false;
  if (before.kind == Record::ATOMIC && me.kind == Record::ATOMIC) return false;
  if (before.interval < Block::current()->firstInterval()) return !shared;  // another block of this launch
  if (before.interval < me.interval || before.thread == me.thread) return false;
  return before.thread / 32 != me.thread / 32 || before.warpInterval == me.warpInterval;
}

void Checker::read(Cell& cell, const Record& me, const Span& span) {
  const Record& writer = cell.writer;
  const uint32_t oldest = span.shared ? Block::current()->firstInterval() : HOST_WROTE;
  if (writer.interval < oldest) {
    sim::fail("read of uninitialised %s memory, %zu bytes at offset %zu", span.shared ? "shared" : "global", span.bytes, span.offset);
  }
  if (conflicts(writer, me, span.shared)) failRace("reads what is written", writer, span);
  if (writer.kind == Record::COPY_UNDER_WAY) {
    sim::fail("read of shared memory whose asynchronous copy by thread %u was not waited for, offset %zu", writer.thread, span.offset);
  }
  Record& latest = cell.readers[0];
  if (conflicts(latest, me, span.shared) && latest.thread / 32 != me.thread / 32) cell.readers[1] = latest;
  latest = me;
}

void Checker::write(Cell& cell, const Record& me, const Span& span) {
  if (conflicts(cell.writer, me, span.shared)) failRace("writes what is written", cell.writer, span);
  for (const Record& reader : cell.readers) {
    if (conflicts(reader, me, span.shared)) failRace("writes what is read", reader, span);
  }
  cell.writer = me;
}

void Checker::failRace(const char* what, const Record& other, const Span& span) const {
  const bool elsewhere = other.interval < Block::current()->firstInterval();
  sim::fail("race on %s memory: it %s by thread %u of %s, with no barrier in between (%zu bytes at offset %zu)",
            span.shared ? "shared" : "global", what, other.thread, elsewhere ? "another block" : "this block", span.bytes, span.offset);
}

void noteAccess(const void* address, int bytes, Access access) { Checker::get().noteAccess(address, bytes, access); }

}  // namespace sim

// ---- what g++ -fsanitize=thread,bounds calls; neither runtime is linked ---------------------------------------------

#define SIM_OF_SIZE(bytes)                                                                                                 \
  SIM_EXPORT void __tsan_read##bytes(void* p) { sim::noteAccess(p, bytes, sim::Access::READ); }                            \
  SIM_EXPORT void __tsan_write##bytes(void* p) { sim::noteAccess(p, bytes, sim::Access::WRITE); }                          \
  SIM_EXPORT void __tsan_unaligned_read##bytes(void* p) { sim::noteAccess(p, bytes, sim::Access::READ); }                  \
  SIM_EXPORT void __tsan_unaligned_write##bytes(void* p) { sim::noteAccess(p, bytes, sim::Access::WRITE); }

extern "C" {

SIM_OF_SIZE(1)
SIM_OF_SIZE(2)
SIM_OF_SIZE(4)
SIM_OF_SIZE(8)
SIM_OF_SIZE(16)

SIM_EXPORT void __tsan_read_range(void* p, size_t bytes) {
  for (size_t i = 0; i < bytes; i++) sim::noteAccess(static_cast<char*>(p) + i, 1, sim::Access::READ);
}
SIM_EXPORT void __tsan_write_range(void* p, size_t bytes) {
  for (size_t i = 0; i < bytes; i++) sim::noteAccess(static_cast<char*>(p) + i, 1, sim::Access::WRITE);
}
SIM_EXPORT void __tsan_init() { sim::Checker::get().enable(); }
SIM_EXPORT void __tsan_func_entry(void*) {}
SIM_EXPORT void __tsan_func_exit() {}
SIM_EXPORT void __tsan_vptr_update(void**, void*) {}

struct SourceLocation {
  const char* file;
  uint32_t line, column;
};
SIM_EXPORT void __ubsan_handle_out_of_bounds(SourceLocation* where, uintptr_t index) {
  sim::fail("illegal address: index %ld is outside of its array, %s:%u", static_cast<long>(index), where->file, where->line);
}

}  // extern "C"
