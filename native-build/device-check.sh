#!/usr/bin/env bash
# Makes the folder that checks Culebra on a GPU machine which has nothing but a driver and cuBLAS.
#
#   native-build/device-check.sh        builds target/device-check/ and target/culebra-device-check.tar.gz
#
# In it: a Java runtime, Culebra with its kernels, its GPU tests, a benchmark; run.sh (beside this file as
# device-check-run.sh) does all that is to be done there. It is also a Culebra to be unpacked and used: ./culebra train …
set -euo pipefail

readonly LARGEST=$((50 << 20))
# The console that runs JUnit's tests without Maven; the version that goes with the JUnit of pom.xml.
readonly JUNIT_CONSOLE=org.junit.platform:junit-platform-console-standalone:1.14.1
readonly MODULES=java.base,java.logging,java.management,java.net.http,java.xml,jdk.httpserver,jdk.incubator.vector,jdk.management,jdk.unsupported

source "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../culebra" # its functions: JDK, Maven
folder=$root/native-build/target/device-check
packed=$root/native-build/target/culebra-device-check.tar.gz
log=$root/native-build/target/device-check.log
test_libraries=$root/native-build/target/test-libraries
test_ptx=$root/native-build/target/device-check-ptx

build() {
  cd -- "$root" && export JAVA_HOME=$jdk || return
  "$maven" --batch-mode -P bench -pl bench,examples -am package -DskipTests -Dformat.skip=true </dev/null || return
  "$maven" --batch-mode -pl native-build dependency:copy-dependencies -DincludeArtifactIds=assertj-core \
    -DoutputDirectory="$test_libraries" </dev/null || return
  "$maven" --batch-mode -N dependency:copy -Dartifact="$JUNIT_CONSOLE" -DoutputDirectory="$test_libraries" </dev/null
}

# The runtime without what nobody needs to run.
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
  # JCuda's natives are for much that we do not use.
  without "$folder"/lib/jcuda-natives-*.jar '.*/lib\(JNvPTXCompiler\|JNvrtc\|JCudaRuntime\)-.*'
  "$jdk/bin/jar" cf "$folder/tests/culebra-tests.jar" -C java/target/test-classes .
  "$jdk/bin/jar" cf "$folder/tests/culebra-bench.jar" -C bench/target/classes dev/culebra/bench
  cp "$test_libraries"/assertj-core-*.jar "$folder/tests/"
  cp "$test_libraries"/junit-platform-console-standalone-*.jar "$folder/tests/junit-console.jar"
  "$jdk/bin/java" native-build/BuildKernels.java native-build/simulator/test-kernels "$test_ptx" "$test_ptx/registers.md"
  cp "$test_ptx/primitives.ptx" "$folder/tests/"
  cp native-build/device-check-run.sh "$folder/run.sh"
  cat >"$folder/culebra" <<'LAUNCHER'
#!/bin/sh
# Culebra with the Java runtime beside it.
here=$(dirname "$(readlink -f "$0")")
exec "$here/runtime/bin/java" --add-modules jdk.incubator.vector --enable-native-access=ALL-UNNAMED -XX:+UseSerialGC \
  -Dstdout.encoding=UTF-8 -Dstderr.encoding=UTF-8 -jar "$here/culebra.jar" "$@"
LAUNCHER
  chmod +x "$folder/culebra" "$folder/run.sh"
  git describe --always --dirty >"$folder/commit" 2>/dev/null || echo unknown >"$folder/commit"
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
tar -C "${folder%/*}" -c "${folder##*/}" | gzip -9 >"$packed"
size=$(stat -c %s "$packed")
printf '%s: %d.%d MiB\n' "$packed" $((size >> 20)) $((size % (1 << 20) * 10 >> 20))
[[ $size -le $LARGEST ]] || die "that is more than 50 MiB"
