#include "modules.h"

#include "settings.h"

#include <dirent.h>
#include <dlfcn.h>
#include <link.h>

#include <algorithm>
#include <sstream>

namespace sim {
namespace {

/** The address at which the loader has placed the module of a function. */
void locate(Module& module, const void* function) {
  struct Search {
    Module& module;
    uintptr_t function;
  } search{module, reinterpret_cast<uintptr_t>(function)};
  dl_iterate_phdr(
      [](dl_phdr_info* info, size_t, void* data) {
        auto& [module, function] = *static_cast<Search*>(data);
        uintptr_t end = 0;
        size_t tlsBytes = 0;
        bool found = false;
        for (int i = 0; i < info->dlpi_phnum; i++) {
          const auto& segment = info->dlpi_phdr[i];
          const uintptr_t first = info->dlpi_addr + segment.p_vaddr;
          if (segment.p_type == PT_TLS) tlsBytes = segment.p_memsz;
          if (segment.p_type != PT_LOAD) continue;
          found |= function >= first && function < first + segment.p_memsz;
          end = std::max(end, first + segment.p_memsz);
        }
        if (!found) return 0;
        module.begin = info->dlpi_addr;
        module.end = end;
        module.tlsModule = info->dlpi_tls_modid;
        module.tlsBytes = tlsBytes;
        return 1;
      },
      &search);
}

std::vector<std::string> librariesOf(const std::string& folder) {
  std::vector<std::string> files;
  if (DIR* directory = opendir(folder.c_str())) {
    while (const dirent* file = readdir(directory)) {
      const std::string name = file->d_name;
      if (name.size() > 3 && name.compare(name.size() - 3, 3, ".so") == 0) files.push_back(folder + "/" + name);
    }
    closedir(directory);
  }
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace

Modules& Modules::get() {
  static auto* modules = new Modules();  // never destroyed: workers outlive main
  return *modules;
}

std::string Modules::home() {
  Dl_info info;
  dladdr(reinterpret_cast<void*>(&Modules::get), &info);
  const std::string file = info.dli_fname;
  return file.substr(0, file.rfind('/'));
}

std::string Modules::load() {
  if (loaded_) return problem_;
  loaded_ = true;
  problem_ = loadFolder(home() + "/kernels");
  std::istringstream folders(Settings::get().moreKernels);
  for (std::string folder; problem_.empty() && std::getline(folders, folder, ':');) problem_ = loadFolder(folder);
  return problem_;
}

std::string Modules::loadFolder(const std::string& folder) {
  for (const std::string& file : librariesOf(folder)) {
    const std::string problem = loadModule(file);
    if (!problem.empty()) return problem;
  }
  return "";
}

std::string Modules::loadModule(const std::string& file) {
  modules_.emplace_back();
  Module& module = modules_.back();
  module.file = file;
  const size_t before = kernels_.size();
  if (dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL) == nullptr) return dlerror();
  if (!problem_.empty()) return problem_;
  if (kernels_.size() == before) return file + " has no kernels";
  for (const auto& [name, kernel] : kernels_) {
    if (kernel.module == &module) {
      locate(module, reinterpret_cast<const void*>(kernel.entry.call));
      break;
    }
  }
  return "";
}

const LoadedKernel* Modules::find(const std::string& name) const {
  const auto found = kernels_.find(name);
  return found == kernels_.end() ? nullptr : &found->second;
}

void Modules::enter(const KernelEntry& entry) {
  const Module& module = modules_.back();
  const auto [other, entered] = kernels_.insert({entry.name, {entry, &module}});
  if (!entered) problem_ = std::string(entry.name) + " is in " + other->second.module->file + " and in " + module.file;
}

void Modules::enter(const Module::DynamicArray& array) { modules_.back().dynamicArrays.push_back(array); }

void registerKernel(const KernelEntry& entry) { Modules::get().enter(entry); }
void registerDynamicShared(void* (*address)(), size_t bytes) { Modules::get().enter(Module::DynamicArray{address, bytes}); }

}  // namespace sim
