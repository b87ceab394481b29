#!/usr/bin/env bash
# Builds the package that checks Culebra on a GPU machine with only a driver and cuBLAS.
#
#   native-build/device-check.sh        builds target/device-check/ and target/culebra-device-check.tar.gz
#
# It contains a Java runtime, Culebra with its kernels, its GPU tests, CPU losses, benchmarks, PyTorch scripts, and run.sh
# (here: device-check-run.sh), which runs everything. It is also a complete Culebra: unpack it and run ./culebra train …
set -euo pipefail

readonly LARGEST=$((45 << 20))
# The console that runs JUnit's tests without Maven; the version that matches the JUnit in pom.xml.
readonly JUNIT_CONSOLE=org.junit.platform:junit-platform-console-standalone:1.14.1
readonly MODULES=java.base,java.logging,java.management,java.net.http,java.xml,jdk.httpserver,jdk.incubator.vector,jdk.management,jdk.unsupported

source "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../culebra" # its functions: JDK, Maven
folder=$root/native-build/target/device-check
packed=$root/native-build/target/culebra-device-check.tar.gz
log=$root/native-build/target/device-check.log
test_libraries=$root/native-build/target/test-libraries
losses=$root/native-build/target/device-check-losses
test_ptx=$root/native-build/target/device-check-ptx

build() {
  cd -- "$root" && export JAVA_HOME=$jdk || return
  "$maven" --batch-mode -P bench -pl bench,examples -am package -DskipTests -Dformat.skip=true </dev/null || return
  "$maven" --batch-mode -pl native-build dependency:copy-dependencies -DincludeArtifactIds=assertj-core \
    -DoutputDirectory="$test_libraries" </dev/null || return
  "$maven" --batch-mode -N dependency:copy -Dartifact="$JUNIT_CONSOLE" -DoutputDirectory="$test_libraries" </dev/null
}

# The runtime with only the modules that are needed.
make_runtime() {
  "$jdk/bin/jlink" --add-modules "$MODULES" --compress zip-9 --strip-debug --no-header-files --no-man-pages \
    --output "$folder/runtime"
}

# A jar without the files whose names match a pattern.
without() {
  local jar=$1 pattern=$2 work
  work=$(mktemp -d)
  (cd "$work" && "$jdk/bin/jar" xf "$jar" && find . -type f -regex "$pattern" -delete && "$jdk/bin/jar" cf "$jar" .)
  rm -rf "$work"
}

copy_programs() {
  mkdir -p "$folder/lib" "$folder/tests"
  cp examples/target/culebra.jar "$folder/"
  cp examples/target/lib/*.jar "$folder/lib/"
  # JCuda has natives for libraries that we do not use.
  without "$folder"/lib/jcuda-natives-*.jar '.*/lib\(JNvPTXCompiler\|JNvrtc\|JCudaRuntime\)-.*'
  "$jdk/bin/jar" cf "$folder/tests/culebra-tests.jar" -C java/target/test-classes .
  # Third-party weights and tokenizers, which the check does not need.
  without "$folder/tests/culebra-tests.jar" '\./\(models\|tokenizers\)/.*'
  "$jdk/bin/jar" cf "$folder/tests/culebra-bench.jar" -C bench/target/classes dev/culebra/bench
  cp "$test_libraries"/assertj-core-*.jar "$folder/tests/"
  cp "$test_libraries"/junit-platform-console-standalone-*.jar "$folder/tests/junit-console.jar"
  "$jdk/bin/java" native-build/build-kernels/BuildKernels.java native-build/simulator/test-kernels "$test_ptx" "$test_ptx/kernels.md"
  cp "$test_ptx/primitives.ptx" "$folder/tests/"
  cp native-build/device-check-run.sh "$folder/run.sh"
  cp -r bench/peers "$folder/peers" && rm -rf "$folder/peers/__pycache__"
  cat >"$folder/culebra" <<'LAUNCHER'
#!/bin/sh
# Culebra with the Java runtime next to it.
here=$(dirname "$(readlink -f "$0")")
exec "$here/runtime/bin/java" --add-modules jdk.incubator.vector --enable-native-access=ALL-UNNAMED -XX:+UseSerialGC \
  -Dstdout.encoding=UTF-8 -Dstderr.encoding=UTF-8 -jar "$here/culebra.jar" "$@"
LAUNCHER
  chmod +x "$folder/culebra" "$folder/run.sh"
  git describe --always --dirty >"$folder/commit" 2>/dev/null || echo unknown >"$folder/commit"
}

# The CPU's losses, with which the GPU's are compared. They are deterministic, so they are recomputed only when something
# they depend on has changed.
compute_losses() {
  local small="--layers 2 --embd 32 --heads 2 --context 32 --batch 4 --steps 20"
  local baby="--preset baby --batch 4 --steps 60"
  local every="--data dickens --dropout 0 --log-every 5 --eval-every 0 --eval-batches 1 --save-every 0 --sample-every 0"
  losses_of small "$small $every" && losses_of baby "$baby $every"
}

losses_of() {
  local name=$1 options=$2 sources=(java/src/main/java/dev/culebra/{backend/cpu,data,nn,optim,options,random,tensor,text,train}) kept options_list
  kept=$losses/$name-$({ echo "$options" && find "${sources[@]}" -type f | LC_ALL=C sort | xargs cat; } | sha256sum | cut -c-16).jsonl
  if [[ ! -s $kept ]]; then
    printf 'Computing losses of %s on the CPU …\n' "$name"
    read -ra options_list <<<"$options"
    mkdir -p "$losses" && rm -rf "$losses/run"
    "$folder/culebra" train "${options_list[@]}" --device cpu --out "$losses/run" >>"$log" 2>&1 || return
    mv "$losses/run/metrics.jsonl" "$kept" && rm -rf "$losses/run"
  fi
  cp "$kept" "$folder/tests/losses-$name.jsonl" && printf '%s\n' "$options" >"$folder/tests/losses-$name.options"
}

find_jdk
find_maven
mkdir -p "${log%/*}"
rm -rf "$folder" "$packed"
printf 'Building …\n'
build >"$log" 2>&1 || {
  tail -n 20 "$log" >&2
  die "the build failed; see $log"
}
make_runtime
copy_programs
compute_losses || die "the CPU losses could not be computed; see $log"
tar -C "${folder%/*}" -c "${folder##*/}" | gzip -9 >"$packed"
size=$(stat -c %s "$packed")
printf '%s: %d.%d MiB\n' "$packed" $((size >> 20)) $((size % (1 << 20) * 10 >> 20))
[[ $size -le $LARGEST ]] || die "that is more than 45 MiB"
