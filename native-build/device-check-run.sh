#!/usr/bin/env bash
# Checks Culebra on this machine's GPU, and measures it. Needs an NVIDIA driver and cuBLAS; under 8 minutes.
#
#   run.sh [--small] [OUT]     OUT: folder for the results, results-DATE-GPU beside this file if not given
#
# --small is for the simulator: few tests, small models. Every part has a time limit, and a part that fails does not keep
# the others from running; the exit code is 1 if one failed.
set -umo pipefail

here=$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")
java=$here/runtime/bin/java
flags=(--add-modules jdk.incubator.vector --enable-native-access=ALL-UNNAMED -XX:+UseSerialGC)
small=false
[[ ${1:-} != --small ]] || { small=true && shift; }

# --- Where cuBLAS is ----------------------------------------------------------------------------------

# Python's CUDA wheels have it where the loader does not look; Culebra does, but compute-sanitizer's children may not.
for lib in /usr/local/cuda/lib64 "${CUDA_HOME:-/none}/lib64" \
  /usr/lib/python3*/*-packages/nvidia/{cu13,cublas}/lib /usr/local/lib/python3*/*-packages/nvidia/{cu13,cublas}/lib \
  /opt/*/lib/python3*/site-packages/nvidia/{cu13,cublas}/lib "${VIRTUAL_ENV:-/none}"/lib/python3*/site-packages/nvidia/{cu13,cublas}/lib; do
  [[ -e $lib/libcublas.so.13 || -e $lib/libcublas.so.12 ]] && export LD_LIBRARY_PATH=${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}$lib
done

info=$("$here/culebra" info 2>/dev/null)
gpu=$(sed -n 's/^gpu 0 *\([^,]*\),.*/\1/p' <<<"$info")
driver=$(sed -n 's/^driver *//p' <<<"$info")
out=${1:-$here/results-$(date +%F)-$(tr -cs 'A-Za-z0-9\n' '-' <<<"${gpu:-none}" | sed 's/-$//')}
mkdir -p "$out" || exit
out=$(cd -- "$out" && pwd)
report=$out/results.md
parts=()
failed=false

# --- Parts ---------------------------------------------------------------------------------------------

# part NAME SECONDS COMMAND…: runs it, notes how it went; what it says goes to OUT/NAME.log
part() {
  local name=$1 limit=$2 start=$SECONDS outcome=ok code job watch
  shift 2
  printf '%-28s ' "$name"
  "$@" >"$out/$name.log" 2>&1 & # with its children a process group, which the limit ends as a whole
  job=$!
  (sleep "$limit" && kill -KILL -- "-$job") >/dev/null 2>&1 &
  watch=$!
  wait "$job" 2>/dev/null
  code=$?
  kill -- "-$watch" 2>/dev/null
  wait "$watch" 2>/dev/null
  [[ $code -eq 0 ]] || { outcome="failed ($code)" && failed=true; }
  [[ $code -ne 137 ]] || outcome="failed (more than $limit s)"
  note "$name" "$outcome" $((SECONDS - start))
}

note() {
  printf '%s, %d s\n' "$2" "$3" | sed "s/^skipped/$(printf '%-28s ' "$1")skipped/"
  parts+=("$1|$2|$3")
}

junit() {
  local libraries
  libraries=$(printf '%s:' "$here/culebra.jar" "$here"/lib/*.jar "$here"/tests/*.jar)
  TMPDIR=$out "$java" "${flags[@]}" -Djava.io.tmpdir="$out" -Dculebra.primitives="$here/tests/primitives.ptx" -Xmx2g -jar "$here/tests/junit-console.jar" execute \
    --disable-banner --details=summary --class-path "$libraries" "$@"
}

# The losses of two runs step by step: the largest difference must be below the limit.
compare() {
  local limit=$1 one=$2 other=$3
  awk -v limit="$limit" '
    match($0, /"step":[0-9]+/) { step = substr($0, RSTART + 7, RLENGTH - 7) }
    match($0, /"loss":[-0-9.eE]+/) { loss = substr($0, RSTART + 7, RLENGTH - 7) }
    NR == FNR { of[step] = loss; next }
    step in of { d = loss - of[step]; if (d < 0) d = -d; if (d > worst) worst = d; n++ }
    END { printf "%d steps compared, largest difference of the loss %.4f, allowed %s\n", n, worst, limit; exit !(n > 2 && worst <= limit) }
  ' "$one/metrics.jsonl" "$other/metrics.jsonl"
}

beside_the_processor() {
  local preset=(--preset baby --batch 8 --steps 200) dtype limit
  $small && preset=(--layers 2 --embd 32 --heads 2 --context 32 --batch 4 --steps 20)
  preset+=(--data dickens --dropout 0 --log-every 5 --eval-every 0 --eval-batches 1 --save-every 0)
  rm -rf "$out"/run-*
  "$here/culebra" train "${preset[@]}" --device cpu --out "$out/run-cpu" || return
  for dtype in fp32 bf16; do
    "$here/culebra" train "${preset[@]}" --device cuda --dtype "$dtype" --out "$out/run-$dtype" || return
    limit=0.05
    [[ $dtype != bf16 ]] || limit=0.15
    compare "$limit" "$out/run-cpu" "$out/run-$dtype" || return
  done
}

bench() {
  local libraries
  libraries=$(printf '%s:' "$here/tests/culebra-bench.jar" "$here/culebra.jar" "$here"/lib/*.jar)
  "$java" "${flags[@]}" -cp "$libraries" dev.culebra.bench.gpu.GpuBench "$@"
}

sanitizer() {
  local tool=$1
  CUDA_LAUNCH_BLOCKING=1 compute-sanitizer --tool "$tool" --error-exitcode 9 \
    "$here/culebra" train --data dickens --device cuda --dtype bf16 --layers 2 --steps 2 --dropout 0.1 --eval-batches 1 --out "$out/run-$tool"
}

# --- All of them ---------------------------------------------------------------------------------------

tests=dev.culebra.backend.cuda
part primitives 30 junit --select-class dev.culebra.cuda.TensorCorePrimitivesTest
printf '%s\n' "$info" >"$out/info.log"
part small-ops 150 junit --select-class "$tests.CudaOpsTest\$Fp32" --select-class "$tests.CudaOpsTest\$Bf16"
if grep -q '^jcuda *JCuda' <<<"$info"; then
  part small-ops-through-jcuda 150 junit --select-class "$tests.CudaOpsTest\$Fp32ThroughJCuda" --select-class "$tests.CudaOpsTest\$Bf16ThroughJCuda"
else
  note small-ops-through-jcuda "skipped: $(sed -n 's/^jcuda *//p' <<<"$info")" 0
fi
part ops-at-real-sizes 90 junit --select-class "$tests.CudaRealSizesTest"
part training-steps 90 junit --select-class "$tests.CudaTrainingTest"
for tool in memcheck racecheck; do
  if command -v compute-sanitizer >/dev/null; then
    part "sanitizer-$tool" 60 sanitizer "$tool"
  else
    note "sanitizer-$tool" "skipped: no compute-sanitizer here" 0
  fi
done
part beside-the-processor 180 beside_the_processor
if $small; then
  part bench 120 bench --preset nano --vocab 77 --batch 2 --context 32 --steps 1 --matrix 128 --markdown "$out/bench.md"
  part bench-papers 120 bench --papers --preset nano --vocab 77 --batch 2 --context 32 --steps 1 --matrix 128 --markdown "$out/bench-papers.md"
else
  part bench 120 bench --preset gpt2 --batch 32 --markdown "$out/bench.md"
  part bench-papers 60 bench --papers --preset gpt2 --batch 32 --markdown "$out/bench-papers.md"
  part bench-baby 60 bench --preset baby --vocab 65 --batch 64 --markdown "$out/bench-baby.md"
fi

# --- Results -------------------------------------------------------------------------------------------

{
  printf '# Device check\n\n%s; driver %s; %s; commit %s; `run.sh%s`\n\n' "${gpu:-no GPU}" "${driver:-none}" "$(date +%F)" \
    "$(<"$here/commit")" "$($small && echo ' --small')"
  printf '| part | outcome | seconds |\n| --- | --- | ---: |\n'
  for each in "${parts[@]}"; do printf '| %s | %s | %s |\n' "${each%%|*}" "$(cut -d'|' -f2 <<<"$each")" "${each##*|}"; done
  printf '\n'
  grep -h 'steps compared' "$out/beside-the-processor.log" 2>/dev/null | sed 's/^/- /'
  cat "$out"/bench*.md 2>/dev/null
} >"$report"
{
  printf '{\n  "gpu": "%s",\n  "driver": "%s",\n  "date": "%s",\n  "commit": "%s",\n  "small": %s,\n  "parts": [\n' \
    "$gpu" "$driver" "$(date +%F)" "$(<"$here/commit")" "$small"
  separator=
  for each in "${parts[@]}"; do
    printf '%s    {"part": "%s", "outcome": "%s", "seconds": %s}' "$separator" "${each%%|*}" \
      "$(cut -d'|' -f2 <<<"$each" | tr -d '"\\')" "${each##*|}"
    separator=$',\n'
  done
  printf '\n  ]\n}\n'
} >"$out/results.json"
rm -rf "$out"/run-* "$out"/lib*.so
printf '\n'
cat "$report"
! $failed
