#!/usr/bin/env bash
# Builds the simulator: stand-ins for NVIDIA's libraries, and the kernels compiled for the CPU.
#
#   build.sh PTX OUT          PTX: folder of the kernels' PTX, which names their entries
#   build.sh PTX OUT --profile [MODULE…]
#                             builds OUT/profile only: the named modules, or all of cuda-kernels
#
#   OUT/release, OUT/checked  libcuda.so.1, libcublas.so.12 and .13, libcublasLt.so.12 and .13: to be put on LD_LIBRARY_PATH
#     …/kernels               the kernels of cuda-kernels, loaded by libcuda
#     …/test-kernels          those of simulator/test-kernels, for CULEBRA_SIM_KERNELS; their PTX is in OUT/test-ptx
#   OUT/profile               the same libraries, with modules that report what is counted; built on demand
#   OUT/unavailable           instead, if this machine cannot build it: why
#
# Rebuilds only what has changed: next to each product are the list of its sources (.d) and their hash.
set -euo pipefail
export LC_ALL=C # in Turkish the letters from a to z are without i

readonly CUDA_NEEDED="the CUDA simulator needs nvcc and its headers: install the CUDA toolkit, or set NVCC or CUDA_HOME"
readonly GXX_NEEDED="the CUDA simulator needs g++ 12 or newer: install it"
readonly X86_NEEDED="the CUDA simulator runs on Linux x86-64 only"
readonly DYNAMIC_SHARED_BYTES=232448

die() {
  printf 'simulator: %s\n' "$1" >&2
  exit 1
}

# Says why the simulator cannot be built; the build goes on without it.
give_up() {
  rm -rf "$out/release" "$out/checked" "$out/profile"
  printf '%s\n' "$1" >"$out/unavailable"
  printf 'simulator: %s\n' "$1" >&2
  exit
}

# The compiler that NVCC names, else the first of CUDA_HOME's, the PATH's and the usual place's.
find_nvcc() {
  local candidate
  for candidate in "${NVCC:-}" "${CUDA_HOME:+$CUDA_HOME/bin/nvcc}" "$(type -P nvcc || true)" /usr/local/cuda/bin/nvcc; do
    [[ -n $candidate ]] || continue
    if [[ -x $candidate ]]; then
      nvcc=$(readlink -f -- "$candidate")
      return
    fi
    [[ $candidate != "${NVCC:-}" ]] || break
  done
  give_up "$CUDA_NEEDED"
}

# nvcc knows where its headers are, wherever it was installed.
find_headers() {
  cuda_include=$("$nvcc" --dryrun -x cu /dev/null 2>&1 | sed -n 's/^#\$ INCLUDES="-I\([^"]*\)".*/\1/p')
  [[ -r $cuda_include/cuda_bf16.h ]] || cuda_include=${nvcc%/*}/../include
  [[ -r $cuda_include/cuda_bf16.h && -r $cuda_include/cuda.h ]] || give_up "$CUDA_NEEDED"
}

find_gxx() {
  gxx=${CXX:-g++}
  version=$("$gxx" -dumpfullversion 2>/dev/null) || give_up "$GXX_NEEDED"
  [[ ${version%%.*} -ge 12 ]] || give_up "$GXX_NEEDED (this is $version)"
}

# --- up to date or not -----------------------------------------------------------------------

# A hash of a command, independent of the checkout's location, and of the files listed in PRODUCT.d.
state_of() {
  local product=$1
  shift
  {
    printf '%s\n' "$version" "${@//"$root"/}"
    sed 's/^[^:]*://; s/\\$//; s/\\ /\x01/g' "$product.d" | tr -s ' ' '\n' | tr '\1' ' ' | grep . | xargs -d '\n' cat
  } 2>/dev/null | sha256sum
}

# make PRODUCT COMMAND…: runs the command, which writes PRODUCT and PRODUCT.d, unless it did so with the same files.
make_product() {
  local product=$1
  shift
  [[ -r $product && -r $product.hash && -r $product.d && $(<"$product.hash") == "$(state_of "$product" "$@")" ]] && return
  printf 'simulator: building %s\n' "${product#"$out/"}"
  rm -f "$product.hash"
  "$@" || return
  state_of "$product" "$@" >"$product.hash"
}

# Runs jobs in parallel, as many as there are processors.
running=0
start() {
  "$@" &
  running=$((running + 1))
  if ((running >= $(nproc))); then
    wait -n || die "the build failed"
    running=$((running - 1))
  fi
}

finish() {
  while ((running > 0)); do
    wait -n || die "the build failed"
    running=$((running - 1))
  done
}

# --- NVIDIA's libraries ----------------------------------------------------------------------

compile() {
  local source=$1 object=$2
  shift 2
  make_product "$object" "$gxx" -std=c++17 -O2 -Wall -Wextra -fPIC -fvisibility=hidden \
    -Idevice -Iruntime -Idriver -Icublas -isystem "$cuda_include" -MMD -MF "$object.d" "$@" -c "$source" -o "$object"
}

build_objects() {
  local source
  mkdir -p "$out/objects"
  for source in runtime/*.cpp driver/*.cpp; do
    start compile "$source" "$out/objects/$(basename "$source" .cpp).o"
  done
  start compile cublas/gemm.cpp "$out/objects/gemm.o" -O3 -march=native
  for major in 12 13; do
    for source in cublas cublasLt; do
      start compile "cublas/$source.cpp" "$out/objects/$source-$major.o" "-DCUBLAS_MAJOR=$major"
    done
  done
  finish
}

# link LIBRARY SONAME OBJECT-OR-FLAG…: links again if one of the objects is newer.
link() {
  local library=$1 soname=$2 object old=
  shift 2
  for object in "$@"; do [[ $object == -* || $library -nt $object ]] || old=$object; done
  [[ -n $old ]] || return 0
  "$gxx" -shared "-Wl,-soname,$soname" -Wl,-z,defs "-Wl,-rpath,\$ORIGIN" "$@" -lpthread -ldl -o "$library.new" || return
  mv -f "$library.new" "$library"
}

build_libraries() {
  local major source objects=()
  for source in runtime/*.cpp driver/*.cpp; do objects+=("$out/objects/$(basename "$source" .cpp).o"); done
  mkdir -p "$out/release" "$out/checked" "$out/profile"
  link "$out/release/libcuda.so.1" libcuda.so.1 "${objects[@]}"
  for major in 12 13; do
    for source in cublas cublasLt; do
      # JCuda needs symbols with the version "libcublas.so.12".
      printf 'lib%s.so.%s { global: cublas*; local: *; };\n' "$source" "$major" >"$out/objects/$source-$major.map"
      link "$out/release/lib$source.so.$major" "lib$source.so.$major" "-Wl,--version-script=$out/objects/$source-$major.map" \
        "$out/objects/$source-$major.o" "$out/objects/gemm.o" "$out/release/libcuda.so.1"
    done
  done
  cp -pu --remove-destination "$out"/release/lib*.so.* "$out/checked/"
  cp -pu --remove-destination "$out"/release/lib*.so.* "$out/profile/"
}

# --- kernels ---------------------------------------------------------------------------------

# Prints the compilation unit of a module: it includes and registers the kernels, and gives arrays of dynamic shared memory,
# which have no size in the source, the largest one.
unit_of() {
  local source=$1 ptx=$2 name
  printf '#include "%s"\nnamespace {\n' "$source"
  sed -n 's/.*\.entry \([A-Za-z0-9_]*\).*/const bool entered_\1 = sim::Call<\1>::enter("\1");/p' "$ptx"
  sed -n 's/^\.extern \.shared .* \([A-Za-z0-9_]*\)\[\];.*/\1/p' "$ptx" | sort -u | while IFS= read -r name; do
    printf '}\nalignas(1024) thread_local unsigned char dynamic_%s[%d] asm("%s");\nnamespace {\n' \
      "$name" "$DYNAMIC_SHARED_BYTES" "$name"
    printf 'const bool entered_%s = sim::enterDynamicShared([]() -> void* { return dynamic_%s; }, %d);\n' \
      "$name" "$name" "$DYNAMIC_SHARED_BYTES"
  done
  printf '}\n'
}

# One module of kernels as a shared library. __shared__ becomes thread_local, whose every use would else go through
# a function (-fno-extern-tls-init); modules must not share what inline functions hold (hidden, no unique symbols).
build_module() {
  local unit=$1 library=$2 folder=$3 object=${2%.so}.o
  shift 3
  make_product "$object" "$gxx" -x c++ -std=c++17 -O2 -w -fPIC -fvisibility=hidden -fvisibility-inlines-hidden \
    -fno-gnu-unique -fno-extern-tls-init -ffp-contract=off "$@" -include device/device_language.h -Idevice "-I$folder" \
    -isystem "$cuda_include" -MMD -MF "$object.d" -c "$unit" -o "$object"
  link "$library" "$(basename "$library")" "$object" "$out/release/libcuda.so.1"
}

# Writes the unit of a module, UNITS/FOLDER-NAME.cpp, and leaves its name in $unit.
write_unit() {
  local folder=$1 file=$2 name
  name=$(basename "$file" .ptx)
  mkdir -p "$out/units"
  unit=$out/units/$folder-$name.cpp
  unit_of "$name.cu" "$file" >"$unit.new"
  cmp -s "$unit.new" "$unit" || cp "$unit.new" "$unit"
  rm "$unit.new"
}

# build_profile SOURCES PTX NAME [MODULE…]: the named modules of a folder, or all, into OUT/profile/NAME. The flags keep a copy of a
# struct one access, and keep accesses on different lines apart.
build_profile() {
  local sources=$1 ptx=$2 folder=$3 file name unit library
  shift 3
  mkdir -p "$out/profile/$folder"
  for library in "$out/profile/$folder"/*.so; do
    [[ -r $ptx/$(basename "$library" .so).ptx ]] || rm -f "$library" "${library%.so}".o{,.d,.hash}
  done
  for file in "$ptx"/*.ptx; do
    name=$(basename "$file" .ptx)
    [[ $# == 0 || " $* " == *" $name "* ]] || continue
    write_unit "$folder" "$file"
    start build_module "$unit" "$out/profile/$folder/$name.so" "$sources" -DCULEBRA_SIM_PROFILE -g1 \
      -fno-tree-sra -fno-tree-vectorize -fno-thread-jumps -fno-tree-tail-merge -fno-crossjumping -fno-optimize-sibling-calls \
      -fsanitize=thread --param tsan-instrument-func-entry-exit=0
  done
  finish
}

# build_modules SOURCES PTX NAME: both builds of all modules of a folder, into OUT/release/NAME and OUT/checked/NAME.
build_modules() {
  local sources=$1 ptx=$2 folder=$3 file name unit library
  mkdir -p "$out/release/$folder" "$out/checked/$folder"
  for library in "$out"/{release,checked}/"$folder"/*.so; do
    name=$(basename "$library" .so)
    [[ -r $ptx/$name.ptx ]] || rm -f "$library" "${library%.so}".o{,.d,.hash}
  done
  for file in "$ptx"/*.ptx; do
    name=$(basename "$file" .ptx)
    write_unit "$folder" "$file"
    start build_module "$unit" "$out/release/$folder/$name.so" "$sources"
    # The functions that -fsanitize calls are in libcuda: the sanitizers' own libraries are not linked.
    start build_module "$unit" "$out/checked/$folder/$name.so" "$sources" -g1 \
      -fsanitize=thread,bounds,alignment --param tsan-instrument-func-entry-exit=0
  done
  finish
}

# ---------------------------------------------------------------------------------------------

[[ $# == 2 || ${3:-} == --profile ]] || die "usage: build.sh PTX OUT [--profile [MODULE…]]"
shopt -s nullglob
mkdir -p "$2"
ptx=$(cd -- "$1" && pwd -P)
out=$(cd -- "$2" && pwd -P)
cd -- "$(dirname -- "${BASH_SOURCE[0]}")"
root=$(cd ../.. && pwd -P)
exec 9>"$out/lock"
flock 9 # another build may be running
[[ $(uname -sm) == "Linux x86_64" ]] || give_up "$X86_NEEDED"
find_nvcc
find_headers
find_gxx
rm -f "$out/unavailable"
build_objects
build_libraries
if [[ ${3:-} == --profile ]]; then
  build_profile "$PWD/../../cuda-kernels" "$ptx" kernels "${@:4}"
  if [[ $# -gt 3 && -d $out/test-ptx ]]; then build_profile "$PWD/test-kernels" "$out/test-ptx" test-kernels "${@:4}"; fi
  exit
fi
build_modules "$PWD/../../cuda-kernels" "$ptx" kernels
if [[ -d $out/test-ptx ]]; then build_modules "$PWD/test-kernels" "$out/test-ptx" test-kernels; fi
compile tests/run_kernel.cpp "$out/objects/run_kernel.o"
if [[ ! $out/run-kernel -nt $out/objects/run_kernel.o ]]; then
  "$gxx" "$out/objects/run_kernel.o" "-L$out/release" -l:libcuda.so.1 -o "$out/run-kernel"
fi
