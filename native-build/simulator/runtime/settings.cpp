#include "settings.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace sim {
namespace {

[[noreturn]] void reject(const char* name, const char* value, const char* expected) {
  std::fprintf(stderr, "CUDA simulator: %s=%s: expected %s\n", name, value, expected);
  std::exit(2);
}

size_t number(const char* name, size_t otherwise) {
  const char* value = std::getenv(name);
  if (value == nullptr) return otherwise;
  char* end;
  const size_t parsed = std::strtoull(value, &end, 10);
  if (*value < '0' || *value > '9' || *end != 0) reject(name, value, "a number");
  return parsed;
}

void readOrder(Settings& settings) {
  const char* value = std::getenv("CULEBRA_SIM_ORDER");
  if (value == nullptr) return;
  const char* colon = std::strchr(value, ':');
  const std::string name(value, colon == nullptr ? value + std::strlen(value) : colon);
  if (colon != nullptr) settings.seed = static_cast<uint32_t>(std::atoi(colon + 1));
  if (name == "forward") {
    settings.order = Order::FORWARD;
  } else if (name == "reverse") {
    settings.order = Order::REVERSE;
  } else if (name == "random") {
    settings.order = Order::RANDOM;
  } else if (name == "greedy") {
    settings.order = Order::GREEDY;
  } else {
    reject("CULEBRA_SIM_ORDER", value, "forward, reverse, random:SEED or greedy:SEED");
  }
}

Settings read() {
  Settings settings;
  readOrder(settings);
  settings.workers = std::clamp<int>(sysconf(_SC_NPROCESSORS_ONLN), 1, 8);
  settings.workers = std::clamp<int>(number("CULEBRA_SIM_THREADS", settings.workers), 1, 64);
  settings.deviceBytes = number("CULEBRA_SIM_MEMORY", settings.deviceBytes);
  settings.driverVersion = static_cast<int>(number("CULEBRA_SIM_DRIVER", settings.driverVersion));
  settings.devices = static_cast<int>(number("CULEBRA_SIM_DEVICES", settings.devices));
  settings.capability = static_cast<int>(number("CULEBRA_SIM_CAPABILITY", settings.capability));
  if (const char* streams = std::getenv("CULEBRA_SIM_STREAMS")) {
    settings.lazyStreams = std::strcmp(streams, "lazy") == 0;
    if (!settings.lazyStreams && std::strcmp(streams, "eager") != 0) {
      reject("CULEBRA_SIM_STREAMS", streams, "lazy or eager");
    }
  }
  if (const char* launches = std::getenv("CULEBRA_SIM_LAUNCHES")) {
    settings.skipKernels = std::strcmp(launches, "skip") == 0;
    if (!settings.skipKernels && std::strcmp(launches, "run") != 0) {
      reject("CULEBRA_SIM_LAUNCHES", launches, "run or skip");
    }
  }
  if (const char* folders = std::getenv("CULEBRA_SIM_KERNELS")) settings.moreKernels = folders;
  if (const char* profile = std::getenv("CULEBRA_SIM_PROFILE")) settings.profile = profile;
  return settings;
}

}  // namespace

int Settings::sharedBytesOfMultiprocessor() const {
  switch (capability) {
    case 80:
    case 87: return 164 << 10;
    case 86:
    case 89:
    case 120: return 100 << 10;
    default: return 228 << 10;
  }
}

const Settings& Settings::get() {
  static const auto* settings = new Settings(read());  // never destroyed: workers outlive main
  return *settings;
}

}  // namespace sim
