# Sourced by the commands in this folder: builds the module `bench` if it changed, then runs a main
# class of it:  launch CLASS [ARGUMENTS]. The launcher finds the JDK and Maven.
source "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../culebra"

app=$root/bench/target
log=$root/bench/target/build.log
sources=(culebra bench/launch.sh cuda-kernels native-build/pom.xml native-build/build-kernels pom.xml java/pom.xml java/src/main bench/pom.xml bench/src/main)

build() {
  [[ $work == "$root" ]] || copy_sources || return
  cd -- "$work" || return
  JAVA_HOME=$jdk "$maven" --batch-mode -P bench -pl bench -am package \
    -Dmaven.test.skip=true -Dformat.skip=true </dev/null
}

# Numbers are written in the same way everywhere. PyTorch's libraries are in Maven's repository; DJL unpacks them once and must not download others.
run() {
  exec "$jdk/bin/java" \
    --add-modules jdk.incubator.vector --enable-native-access=ALL-UNNAMED -XX:+UseSerialGC \
    --sun-misc-unsafe-memory-access=allow -Duser.language=en -Duser.country=US \
    -Dai.djl.offline=true -Dculebra.root="$root" \
    -cp "$app/classes:$(<"$app/classpath")" "$@" \
    2> >(exec grep --line-buffered -v '^WARNING: Using incubator modules: jdk.incubator.vector$' >&2)
}
