#include "checker.h"

#include <cstdio>

namespace sim {

Checker& Checker::get() {
  static auto* checker = new Checker();  // never destroyed: workers outlive main
  return *checker;
}

// ---- where an access goes -------------------------------------------------------------------------------------------

void Checker::noteAccess(const void* address, size_t bytes, Access access, const void* code) {
  if (!enabled_) return;
  code_ = code;
  note(address, bytes, access, access == Access::ATOMIC ? Record::ATOMIC : Record::PLAIN);
}

void Checker::note(const void* address, size_t bytes, Access access, Record::Kind kind) {
  Block* block = Block::current();
  if (block == nullptr || block->stacks().contains(address)) return;
  if ((bytes & (bytes - 1)) == 0 && reinterpret_cast<uintptr_t>(address) % bytes != 0) {
    failAccess("misaligned address: " + std::to_string(bytes) + " bytes at an address that is no multiple of that");
  }
  const SharedMemory& shared = *SharedMemory::current();
  if (shared.all().contains(address)) return noteShared(address, bytes, access, kind);
  Allocation* allocation = DeviceMemory::get().near(address);
  if (allocation != nullptr && allocation->contains(address, bytes)) {
    return noteGlobal(*allocation, address, bytes, access, kind);
  }
  // What threads know of themselves, and the constants of the module.
  const char *p = static_cast<const char*>(address), *self = reinterpret_cast<const char*>(block);
  const bool own = (p >= self && p < self + sizeof(Block)) || address == &thisThread || address == &thisBlock;
  if (!own && !shared.module().contains(address)) failOutside(address, bytes, access, allocation);
}

void Checker::noteShared(const void* address, size_t bytes, Access access, Record::Kind kind) {
  const SharedMemory& shared = *SharedMemory::current();
  if (const Range* array = shared.dynamicArray(address)) {
    const size_t end = static_cast<const char*>(address) - array->first + bytes;
    if (end > shared.dynamicBytes()) {
      failAccess("illegal address: byte " + std::to_string(end - 1) + " of dynamic shared memory, of which the launch gives " +
                 std::to_string(shared.dynamicBytes()));
    }
  } else if (bytes == 1) {
    return;  // a flag by which g++ guards arrays of bf16, which have a constructor that does nothing
  }
  auto& shadow = shared_[&shared];
  if (shadow == nullptr) shadow = std::make_unique<Shadow>(shared.all().bytes);
  const size_t offset = static_cast<const char*>(address) - shared.all().first;
  noteCells({*shadow, offset, address, bytes, nullptr}, access, kind);
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
  code_ = nullptr;
  if (bytesRead > 0) note(global, bytesRead, Access::READ, Record::PLAIN);
  note(shared, bytes, Access::WRITE, Record::COPY_UNDER_WAY);
}

void Checker::noteCopyLanded(const void* shared, size_t bytes) { noteAccess(shared, bytes, Access::WRITE, nullptr); }

// ---- judging --------------------------------------------------------------------------------------------------------

Record Checker::recordOf(Record::Kind kind) const {
  Block& block = *Block::current();
  Record record;
  record.interval = block.interval();
  record.thread = block.running().index;
  record.kind = kind;
  record.warpInterval = block.warpInterval();
  return record;
}

/** Whether nothing orders an access of before and one of now. */
bool Checker::conflicts(const Record& before, const Record& me, bool shared) const {
  if (before.interval < launchInterval_) return false;
  if (before.kind == Record::ATOMIC && me.kind == Record::ATOMIC) return false;
  if (before.interval < Block::current()->firstInterval()) return !shared;  // another block of this launch
  if (before.interval < me.interval || (before.thread == me.thread && before.kind != Record::READ_BY_WARP)) return false;
  return before.thread / 32 != me.thread / 32 || before.warpInterval == me.warpInterval;
}

void Checker::read(Cell& cell, const Record& me, const Span& span) {
  const Record& writer = cell.writer;
  const uint32_t oldest = span.shared() ? Block::current()->firstInterval() : HOST_WROTE;
  if (writer.interval < oldest) {
    failAccess(std::string("read of uninitialised ") + (span.shared() ? "shared" : "global") + " memory: nobody has written it yet");
  }
  if (conflicts(writer, me, span.shared())) failRace("reads what is written", writer, span);
  if (writer.kind == Record::COPY_UNDER_WAY) {
    failAccess("read of shared memory into which an asynchronous copy of thread " + std::to_string(writer.thread) +
               " is still under way: it was not waited for");
  }
  Record& latest = cell.readers[0];
  const bool apart = conflicts(latest, me, span.shared());
  const bool sameWarp = latest.interval == me.interval && latest.thread / 32 == me.thread / 32;
  if (apart && !sameWarp) cell.readers[1] = latest;
  latest = me;
  if (apart && sameWarp) latest.kind = Record::READ_BY_WARP;
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

void Checker::failRace(const char* what, const Record& other, const Span& span) {
  const bool elsewhere = other.interval < Block::current()->firstInterval();
  char text[300];
  std::snprintf(text, sizeof text, "race on %s memory: it %s by thread %u of %s, with no barrier in between",
                span.shared() ? "shared" : "global", what, other.thread, elsewhere ? "another block" : "this block");
  std::string place;
  if (!span.shared()) place = " (byte " + std::to_string(span.offset) + " of " + std::to_string(span.allocation->bytes) + ")";
  failAccess(text + place);
}

void Checker::failOutside(const void* address, size_t bytes, Access access, const Allocation* near) {
  char text[300];
  const int end = std::snprintf(text, sizeof text, "illegal address: %s of %zu bytes at %p", access == Access::READ ? "read" : "write",
                                bytes, address);
  if (near != nullptr) {
    std::snprintf(text + end, sizeof text - end, ", %zd bytes behind the start of %zu bytes of device memory",
                  static_cast<const char*>(address) - near->address, near->bytes);
  }
  failAccess(text);
}

std::string Checker::blamedLine(const Module& module) {
  const void* code = blamed_;
  blamed_ = nullptr;
  if (code == nullptr || !module.contains(code)) return "";
  // A call returns to what stands behind it.
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

void noteAccess(const void* address, int bytes, Access access) { Checker::get().noteAccess(address, bytes, access, nullptr); }

}  // namespace sim
