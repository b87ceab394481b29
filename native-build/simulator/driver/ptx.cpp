#include "ptx.h"

#include <algorithm>
#include <cstdio>
#include <regex>
#include <sstream>

namespace sim {
namespace {

struct SharedVariable {
  std::string name;
  size_t bytes;
};

size_t bytesOf(const std::string& type) {
  size_t digits = type.find_first_of("0123456789");
  return digits == std::string::npos ? 1 : std::stoul(type.substr(digits)) / 8;
}

/** Reads PTX line by line, as written by nvcc. */
class Reader {
 public:
  explicit Reader(const std::string& text) : lines_(text) {}

  Ptx read() {
    std::string line;
    while (ptx_.problem.empty() && std::getline(lines_, line)) {
      number_++;
      line = line.substr(0, line.find("//"));
      if (depth_ > 0) {
        readBody(line);
      } else {
        readOutside(line);
      }
      for (char c : line) depth_ += c == '{' ? 1 : c == '}' ? -1 : 0;
    }
    if (ptx_.problem.empty() && ptx_.version == 0) ptx_.problem = "no .version: this is not PTX";
    if (ptx_.problem.empty() && ptx_.target == 0) fail("no .target");
    if (ptx_.problem.empty() && depth_ != 0) fail("the text ends inside of a function");
    return ptx_;
  }

 private:
  void fail(const std::string& what) { ptx_.problem = "line " + std::to_string(number_) + ": " + what; }

  void readOutside(const std::string& line) {
    static const std::regex version(R"(^\s*\.version\s+(\d+)\.(\d+))"), target(R"(^\s*\.target\s+sm_(\d+)(a)?)"),
        entry(R"(\.entry\s+([\w$]+))"), blocks(R"(\.minnctapersm\s+(\d+))"), threads(R"(\.maxntid\s+(\d+)(?:,\s*(\d+))?(?:,\s*(\d+))?)"),
        shared(R"(^\s*\.shared\s.*\.(\w+)\s+([\w$]+)(?:\[(\d+)\])?)"), parameter(R"(\.param\s+(?:\.align\s+\d+\s+)?\.(\w+)[^\[]*(?:\[(\d+)\])?)");
    std::smatch found;
    if (std::regex_search(line, found, version)) ptx_.version = std::stoi(found[1]) * 10 + std::stoi(found[2]);
    if (std::regex_search(line, found, target)) {
      ptx_.target = std::stoi(found[1]);
      ptx_.onlyTarget = found[2].matched;
    }
    if (std::regex_search(line, found, shared)) {
      shared_.push_back({found[2], bytesOf(found[1]) * (found[3].matched ? std::stoul(found[3]) : 1)});
    }
    if (std::regex_search(line, found, entry)) {
      ptx_.entries.emplace_back();
      ptx_.entries.back().name = found[1];
      inEntry_ = true;
    } else if (line.find(".func") != std::string::npos) {
      inEntry_ = false;
    }
    if (!inEntry_) return;
    PtxEntry& current = ptx_.entries.back();
    if (std::regex_search(line, found, parameter)) {
      current.parameterBytes.push_back(static_cast<int>(bytesOf(found[1]) * (found[2].matched ? std::stoul(found[2]) : 1)));
    }
    if (std::regex_search(line, found, blocks)) current.minBlocks = std::stoi(found[1]);
    if (std::regex_search(line, found, threads)) {
      current.hasBounds = true;
      current.maxThreads = std::stoi(found[1]);
      for (int i = 2; i <= 3; i++) current.maxThreads *= found[i].matched ? std::stoi(found[i]) : 1;
    }
    uses_.assign(shared_.size(), false);
  }

  /** Static shared memory is declared outside kernels; a kernel uses the arrays that its body names. */
  void readBody(const std::string& line) {
    if (!inEntry_) return;
    for (size_t i = 0; i < shared_.size(); i++) {
      if (uses_[i] || line.find(shared_[i].name) == std::string::npos) continue;
      uses_[i] = true;
      ptx_.entries.back().staticSharedBytes += shared_[i].bytes;
    }
  }

  std::istringstream lines_;
  int number_ = 0, depth_ = 0;
  bool inEntry_ = false;
  std::vector<SharedVariable> shared_;
  std::vector<bool> uses_;
  Ptx ptx_;
};

}  // namespace

Ptx parsePtx(const std::string& text) { return Reader(text).read(); }

}  // namespace sim
