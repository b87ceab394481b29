// The functions called by kernels compiled with g++ -fsanitize=thread,bounds,alignment; the sanitizers' own libraries
// are not linked.
#include "block.h"
#include "checker.h"
#include "profiler.h"

#include <string>

using sim::Access;

namespace {

struct SourceLocation {
  const char* file;
  uint32_t line, column;

  std::string text() const {
    const std::string path = file;
    return " at " + path.substr(path.rfind('/') + 1) + ":" + std::to_string(line);
  }
};

struct TypeMismatch {
  SourceLocation where;
  const void* type;
  unsigned char logAlignment;
  unsigned char kind;
};

void note(void* address, size_t bytes, Access access, const void* code) {
  sim::Checker::get().noteAccess(address, bytes, access, code);
  sim::Profiler::get().access(address, bytes, access, code);
}

}  // namespace

#define SIM_OF_SIZE(bytes)                                                                            \
  SIM_EXPORT void __tsan_read##bytes(void* p) { note(p, bytes, Access::READ, SIM_CALLER); }               \
  SIM_EXPORT void __tsan_write##bytes(void* p) { note(p, bytes, Access::WRITE, SIM_CALLER); }             \
  SIM_EXPORT void __tsan_unaligned_read##bytes(void* p) { note(p, bytes, Access::READ, SIM_CALLER); }     \
  SIM_EXPORT void __tsan_unaligned_write##bytes(void* p) { note(p, bytes, Access::WRITE, SIM_CALLER); }

extern "C" {

SIM_EXPORT void __tsan_init() { sim::Checker::get().enable(); }

SIM_OF_SIZE(1)
SIM_OF_SIZE(2)
SIM_OF_SIZE(4)
SIM_OF_SIZE(8)
SIM_OF_SIZE(16)

SIM_EXPORT void __tsan_read_range(void* p, size_t bytes) {
  sim::Profiler::get().access(p, bytes, Access::READ, SIM_CALLER);
  for (size_t i = 0; i < bytes; i++) sim::Checker::get().noteAccess(static_cast<char*>(p) + i, 1, Access::READ, SIM_CALLER);
}
SIM_EXPORT void __tsan_write_range(void* p, size_t bytes) {
  sim::Profiler::get().access(p, bytes, Access::WRITE, SIM_CALLER);
  for (size_t i = 0; i < bytes; i++) sim::Checker::get().noteAccess(static_cast<char*>(p) + i, 1, Access::WRITE, SIM_CALLER);
}

SIM_EXPORT void __ubsan_handle_out_of_bounds(SourceLocation* where, uintptr_t index) {
  sim::Block::current()->fail("illegal address: index " + std::to_string(static_cast<int64_t>(index)) + " is outside its array" +
                              where->text());
}

SIM_EXPORT void __ubsan_handle_type_mismatch_v1(TypeMismatch* mismatch, uintptr_t address) {
  const uintptr_t alignment = uintptr_t{1} << mismatch->logAlignment;
  if (address % alignment == 0) return;
  sim::Block::current()->fail("misaligned address: not a multiple of " + std::to_string(alignment) + mismatch->where.text());
}

}  // extern "C"
