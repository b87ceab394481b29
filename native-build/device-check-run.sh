#!/usr/bin/env bash
# Checks Culebra on this machine's GPU, and compares it with PyTorch if that is installed. Needs an NVIDIA driver and cuBLAS.
#
#   run.sh [--seconds N] [--only PART,…] [--skip PART,…] [--list] [--small] [OUT]
#
# Parts run in order of importance and share one deadline, N seconds or 360; parts that did not start or finish are reported.
# After each part, OUT (default: results-DATE-GPU next to this file) has results.md, results.json and results.tar.gz with all
# logs, so a killed run keeps its results. --small is for the simulator: small models, few steps.
# Exit code: 0; 1 if a part failed; 3 if none failed but the time was too short for all; 2 for an invalid command line.
set -uo pipefail

here=$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")
java=$here/runtime/bin/java
flags=(--add-modules jdk.incubator.vector --enable-native-access=ALL-UNNAMED -XX:+UseSerialGC
  -Duser.language=en -Duser.country=US) # numbers are written in the same way everywhere
libraries=$(printf '%s:' "$here/culebra.jar" "$here"/lib/*.jar "$here"/tests/*.jar)

# --- The parts: name, limit in seconds, what it does. A function of the same name does it. -----------------------------------

parts=(
  "info|30|the machine: GPU, driver, cuBLAS, CPU"
  "gpt2|60|whole steps of GPT-2 124M, B=32, and every operation in them"
  "contract|150|the operations' contract through FFM, fp32 and bf16 in parallel"
  "peers|150|PyTorch's compiled steps and operations, compared with ours; once everything is compiled"
  "baby|60|whole steps of baby, B=64, dropout 0.2, and every operation in them"
  "paths|90|whole steps of GPT-2 with each choice of kernels"
  "real_sizes|90|operations at the sizes of GPT-2, compared with the CPU's"
  "training|90|training steps compared with the CPU's, generation token by token"
  "losses|90|60 steps of baby, compared with the CPU's losses"
  "kernels|60|attention, products and row operations alone: times of each choice, equal bits when repeated"
  "profile|60|every kernel of two GPT-2 steps by ncu: calls and times"
  "decode|40|GPT-2 124M token by token, after 128 and 1,000 tokens"
  "bindings|30|launches, graphs and copies through FFM and JCuda"
  "contract_jcuda|150|the contract through JCuda and JCublas, fp32 and bf16 in parallel"
  "primitives|30|the tensor-core instructions that the kernels use"
  "papers|90|whole steps with Llama's block and Muon, and every operation in them"
  "gpt2_b64|60|whole steps of GPT-2 with more than 2³¹ logits"
  "memcheck|60|compute-sanitizer, head sizes 64 and 128"
  "racecheck|120|compute-sanitizer, head sizes 64 and 128"
)

info() {
  printf '%s\n' "$info"
  command -v nvidia-smi >/dev/null && timeout 10 nvidia-smi
  command -v nvidia-smi >/dev/null && timeout 10 nvidia-smi -q -d CLOCK,POWER,PERFORMANCE
  command -v lscpu >/dev/null && lscpu | head -n 20
  says "$(sed -n 's/^ffm *//p' <<<"$info")"
}

gpt2() { steps_of gpt2 --preset gpt2 --batch 32; }
baby() { steps_of baby --preset baby --vocab 65 --batch 64 --steps 40 --dropout 0.2; }
papers() { steps_of papers --papers --preset gpt2 --batch 32 --repeat 3; }
gpt2_b64() { steps_of gpt2_b64 --preset gpt2 --batch 64 --repeat 3 --steps 5 --no-operations; }

paths() {
  local choice code=0
  for choice in "portable auto" "auto gemm" "portable gemm"; do
    set -- $choice
    steps_of "paths-$1-$2" --preset gpt2 --batch 32 --repeat 3 --no-operations --attention "$1" --products "$2" || code=1
  done
  return $code
}

contract() { side_by_side "junit fp32 backend.cuda.CudaOpsTest\$Fp32" "junit bf16 backend.cuda.CudaOpsTest\$Bf16"; }
real_sizes() { junit all backend.cuda.CudaRealSizesTest; }
training() { junit all backend.cuda.CudaTrainingTest; }
primitives() { junit all cuda.TensorCorePrimitivesTest; }

contract_jcuda() {
  grep -q '^jcuda *JCuda' <<<"$info" || skip "$(sed -n 's/^jcuda *//p' <<<"$info")"
  side_by_side "junit fp32 backend.cuda.CudaOpsTest\$Fp32ThroughJCuda" "junit bf16 backend.cuda.CudaOpsTest\$Bf16ThroughJCuda"
}

losses() { side_by_side "losses_of fp32 0.05" "losses_of bf16 0.15"; }

kernels() { bench KernelBench --markdown "$out/kernels.md" $($small && echo --small); }
decode() { bench DecodeBench --markdown "$out/decode.md" $($small && echo --preset nano --vocab 77 --positions 8,40 --tokens 4); }
bindings() { bench LaunchBench --markdown "$out/bindings.md"; }

# Kernels by name, of both steps; under ncu each runs alone, with the caches as they are.
profile() {
  command -v ncu >/dev/null || skip "no ncu here"
  ncu --clock-control none --cache-control none --metrics gpu__time_duration.sum --print-units base --csv \
    "$java" "${flags[@]}" -cp "$libraries" dev.culebra.bench.gpu.StepCheck --preset gpt2 --batch 32 >"$out/profile.csv" || return
  {
    printf '| kernel | calls | µs of one | all, µs |\n| --- | ---: | ---: | ---: |\n'
    grep '"gpu__time_duration.sum"' "$out/profile.csv" | awk -F'","' '
      { value = $NF; gsub(/[",]/, "", value); name = substr($5, 1, 100); gsub(/\|/, "/", name); n[name]++; sum[name] += value / 1000 }
      END { for (name in n) printf "| %s | %d | %.1f | %.0f |\n", name, n[name], sum[name] / n[name], sum[name] }' | sort -t'|' -k5,5nr
  } >"$out/profile.md"
  says "$(grep -c '"gpu__time_duration.sum"' "$out/profile.csv") kernels"
  gzip -f "$out/profile.csv"
}

memcheck() { sanitizer memcheck; }
racecheck() { sanitizer racecheck; }

# --- Building blocks of the parts, which run in their own process group with $part set -----------------------------------------

# says TEXT: adds to the part's text in the table
says() { printf '%s\n' "$*" >>"$work/$part.says"; }

# skip REASON: ends the part as neither failed nor successful
skip() { printf '%s\n' "$*" >"$work/$part.skipped" && exit 0; }

# side_by_side COMMAND…: runs all in parallel, each given as one argument; fails if one does
side_by_side() {
  local command jobs=() code=0
  for command; do
    $command &
    jobs+=($!)
  done
  for command in "${jobs[@]}"; do wait "$command" || code=1; done
  return $code
}

# junit LABEL CLASS: fails if no test passed
junit() {
  local label=$1 log=$out/$part-$1.log code passed skipped
  TMPDIR=$work "$java" "${flags[@]}" -Djava.io.tmpdir="$work" -Dculebra.primitives="$here/tests/primitives.ptx" -Xmx4g \
    -jar "$here/tests/junit-console.jar" execute --disable-banner --disable-ansi-colors --details=testfeed --fail-if-no-tests \
    --class-path "$libraries" --select-class "dev.culebra.$2" >"$log" 2>&1
  code=$?
  passed=$(sed -n 's/^\[ *\([0-9]*\) tests successful *\].*/\1/p' "$log")
  skipped=$(sed -n 's/^\[ *\([0-9]*\) tests aborted *\].*/\1/p' "$log")
  says "$label: ${passed:-0} tests passed$([[ ${skipped:-0} -eq 0 ]] || echo ", $skipped skipped")"
  [[ $code -eq 0 && ${passed:-0} -gt 0 ]]
}

# bench CLASS OPTIONS…
bench() {
  local class=$1
  shift
  "$java" "${flags[@]}" -Djava.io.tmpdir="$work" -cp "$libraries" "dev.culebra.bench.gpu.$class" "$@"
}

# steps_of NAME OPTIONS…: whole steps, into NAME.md; if an option is given twice, the last one counts
steps_of() {
  local name=$1
  shift
  ! $small || set -- "$@" --preset nano --vocab 77 --batch 2 --context 32 --steps 1 --repeat 1 --matrix 128
  bench GpuBench "$@" --markdown "$out/$name.md" || return
  [[ $name == "$part"* ]] || return 0
  name=${name#"$part"}
  says "${name:+${name#-}: }$(step_line "$out/$part$name.md")"
}

step_line() { sed -n 's/^.*: \([0-9.]* ms per step\) .*\*\*\(.*\)\*\*.*/\1, \2/p' "$1" | head -n 1; }
step_millis() { sed -n 's/^.*: \([0-9.]*\) ms per step .*/\1/p' "$1" 2>/dev/null | head -n 1; }

# losses_of DTYPE LIMIT: trains, and compares with the CPU's losses in the package
losses_of() {
  local dtype=$1 limit=$2 name=baby options said code
  ! $small || name=small
  read -ra options <"$here/tests/losses-$name.options"
  "$here/culebra" train "${options[@]}" --device cuda --dtype "$dtype" --out "$work/run-$dtype" >"$out/$part-$dtype.log" 2>&1 || return
  said=$(compare "$limit" "$here/tests/losses-$name.jsonl" "$work/run-$dtype/metrics.jsonl")
  code=$?
  says "$dtype: $said"
  return $code
}

# compare LIMIT FILE FILE: losses step by step; the largest difference must be below the limit
compare() {
  awk -v limit="$1" '
    match($0, /"step":[0-9]+/) { step = substr($0, RSTART + 7, RLENGTH - 7) }
    match($0, /"loss":[-0-9.eE]+/) { loss = substr($0, RSTART + 7, RLENGTH - 7) }
    NR == FNR { of[step] = loss; next }
    step in of { d = loss - of[step]; if (d < 0) d = -d; if (d > worst) worst = d; n++ }
    END { printf "%d steps, largest difference of the loss %.4f, allowed %s\n", n, worst, limit; exit !(n > 2 && worst <= limit) }
  ' "$2" "$3"
}

# sanitizer TOOL: two steps of one layer, launch by launch, without cuBLAS's matrix products
sanitizer() {
  local size options=(--error-exitcode 9 --report-api-errors no) said code=0
  command -v compute-sanitizer >/dev/null || skip "no compute-sanitizer here"
  if compute-sanitizer --help | grep -q -- --kernel-name-exclude; then
    for size in gemm nvjet cutlass; do options+=(--kernel-name-exclude "kns=$size"); done
  fi
  for size in 64 128; do
    said="no error"
    CUDA_LAUNCH_BLOCKING=1 compute-sanitizer --tool "$1" "${options[@]}" \
      "$java" "${flags[@]}" -cp "$libraries" dev.culebra.bench.gpu.StepCheck --head-size $size || { said=errors && code=1; }
    says "head size $size: $said"
  done
  return $code
}

# --- PyTorch: compiles in the background from the start, is timed once everything is compiled --------------------------------

peer_names=(gpt2 baby operations)
peer_jobs=()

start_peers() {
  command -v python3 >/dev/null || return
  local name command
  for name in "${peer_names[@]}"; do
    case $name in
      gpt2) command="train_step.py --preset gpt2 --batch 32" ;;
      baby) command="train_step.py --preset baby --batch 64 --dropout 0.2 --steps 40" ;;
      operations) command=operations.py ;;
    esac
    {
      cd "$here/peers" && TORCHINDUCTOR_CACHE_DIR=$work/inductor TORCHINDUCTOR_COMPILE_THREADS=4 PYTHONDONTWRITEBYTECODE=1 \
        nice -n 5 python3 $command --ready "$work/$name.ready" --go "$work/$name.go" --for $$
      echo $? >"$work/$name.ended"
    } >"$out/peer-$name.json" 2>"$out/peer-$name.log" &
    peer_jobs+=($!)
  done
}

peers_compiled() {
  local name
  for name in "${peer_names[@]}"; do [[ -e $work/$name.ready || -e $work/$name.ended ]] || return; done
}

peers() {
  local name code=0
  ((${#peer_jobs[@]})) || skip "no python3 here"
  until peers_compiled; do sleep 0.2; done
  ! grep -q "No module named 'torch'" "$out/peer-gpt2.log" || skip "no PyTorch here"
  for name in "${peer_names[@]}"; do
    peer "$name" || code=1
  done
  return $code
}

# peer NAME: our steps, then PyTorch's, alone on the GPU
peer() {
  case $1 in
    gpt2) steps_of beside-gpt2 --preset gpt2 --batch 32 --no-operations ;;
    baby) steps_of beside-baby --preset baby --vocab 65 --batch 64 --dropout 0.2 --steps 40 --no-operations ;;
  esac
  touch "$work/$1.go"
  until [[ -e $work/$1.ended ]]; do sleep 0.1; done
  [[ $(<"$work/$1.ended") -eq 0 ]] || { says "$1: $(tail -n 1 "$out/peer-$1.log")" && return 1; }
  [[ $1 == operations ]] || says "$1: $(ratio "$1")"
}

# field NAME FILE: of the JSON lines
field() { sed -n "s/.*\"$1\": \"\{0,1\}\([^,\"}]*\).*/\1/p" "$2" 2>/dev/null | head -n 1; }

ratio() {
  awk -v ours="$(step_millis "$out/beside-$1.md")" -v theirs="$(field ms "$out/peer-$1.json")" \
    'BEGIN { if (ours > 0 && theirs > 0) printf "%.2f times torch.compile (%.2f and %.2f ms)", theirs / ours, ours, theirs }'
}

# --- Runs the parts in order, until the deadline -------------------------------------------------------------------------------

rows=() # of the table: name|outcome|seconds|text
failed=false
unfinished=false
job=
watch=

left() { echo $((seconds - SECONDS)); }

# run_part NAME: within its limit and the remaining time
run_part() {
  local limit outcome code start=$SECONDS note
  part=$1
  limit=$(for each in "${parts[@]}"; do [[ $each != "$part|"* ]] || cut -d'|' -f2 <<<"$each"; done)
  if [[ $(left) -lt 3 ]]; then
    unfinished=true
    end_part "not started: no time left" 0
    return
  fi
  ! $small || limit=$((4 * limit))
  [[ $limit -le $(left) ]] || limit=$(left)
  rm -f "$work/$part".{says,skipped}
  (set +m && trap '' QUIT && "$part") >"$out/$part.log" 2>&1 & # a process group, which the limit ends as a whole
  job=$!
  (
    until ((SECONDS - start >= limit)); do
      kill -0 $$ || kill -KILL -- "-$job" # run.sh was killed: end the part too
      sleep 1
    done
    touch "$work/$part.late"
    kill -QUIT -- "-$job" # a JVM prints its threads
    sleep 0.5
    kill -KILL -- "-$job"
  ) >/dev/null 2>&1 &
  watch=$!
  wait "$job" 2>/dev/null
  code=$?
  job=
  kill -- "-$watch" 2>/dev/null
  wait "$watch" 2>/dev/null
  watch=
  outcome=ok
  if [[ -e $work/$part.skipped ]]; then
    outcome="skipped: $(<"$work/$part.skipped")"
  elif [[ -e $work/$part.late ]]; then
    note=$(running_test)
    if [[ $(left) -lt 3 ]]; then
      outcome="unfinished: no time left${note:+, at $note}" && unfinished=true
    else
      outcome="failed: more than $limit s${note:+, at $note}" && failed=true
    fi
  elif [[ $code -ne 0 ]]; then
    outcome="failed ($code)" && failed=true
  fi
  end_part "$outcome" $((SECONDS - start))
}

# The test that was running, from the last line of a log.
running_test() {
  local log last
  for log in "$out/$part"-*.log; do
    last=$(grep -a ' :: \(STARTED\|SUCCESSFUL\|FAILED\|ABORTED\|SKIPPED\)' "$log" 2>/dev/null | tail -n 1)
    [[ $last != *' :: STARTED'* ]] || printf '%s ' "${last%% :: *}"
  done
}

end_part() {
  local said
  said=$(paste -s -d';' "$work/$part.says" 2>/dev/null | sed 's/;/; /g')
  rows+=("$part|$1|$2|${said//|/,}")
  printf '%-15s %s, %d s%s\n' "$part" "$1" "$2" "${said:+: $said}"
  write_results
}

# --- Results: complete after each part -------------------------------------------------------------------------------------------

write_results() {
  local each name outcome took said separator=
  {
    printf '# Device check\n\n%s; driver %s; %s; commit %s; `run.sh%s`\n\n' "$gpu" "$driver" "$(date +%F)" "$(<"$here/commit")" "$command"
    printf '| part | outcome | seconds | |\n| --- | --- | ---: | --- |\n'
    for each in "${rows[@]}"; do
      IFS='|' read -r name outcome took said <<<"$each"
      printf '| %s | %s | %s | %s |\n' "$name" "$outcome" "$took" "$said"
    done
    ! $failed || printf '\n**Something failed.**\n'
    ratios
    for name in gpt2 baby papers gpt2_b64 paths-portable-auto paths-auto-gemm paths-portable-gemm kernels profile decode bindings; do
      [[ ! -s $out/$name.md ]] || { printf '\n## %s\n' "$name" && cat "$out/$name.md"; }
    done
  } >"$work/results.md"
  {
    printf '{\n  "gpu": "%s",\n  "driver": "%s",\n  "date": "%s",\n  "commit": "%s",\n  "small": %s,\n  "parts": [' \
      "$gpu" "$driver" "$(date +%F)" "$(<"$here/commit")" "$small"
    for each in "${rows[@]}"; do
      IFS='|' read -r name outcome took said <<<"${each//[\"\\]/}"
      printf '%s\n    {"part": "%s", "outcome": "%s", "seconds": %s, "says": "%s"}' "$separator" "$name" "$outcome" "$took" "$said"
      separator=,
    done
    printf '\n  ],\n  "peers": ['
    separator=
    while IFS= read -r each; do
      printf '%s\n    %s' "$separator" "$each"
      separator=,
    done < <(cat "$out"/peer-*.json 2>/dev/null | grep '^{')
    printf '\n  ]\n}\n'
  } >"$work/results.json"
  mv "$work/results.md" "$work/results.json" "$out/"
  tar -C "$out" -c --exclude ./results.tar.gz --exclude ./.work . | gzip -1 >"$work/results.tar.gz" && mv "$work/results.tar.gz" "$out/"
}

# Compared with PyTorch in the same run.
ratios() {
  local name
  [[ -s $out/peer-gpt2.json || -s $out/peer-baby.json || -s $out/peer-operations.json ]] || return 0
  printf '\n## Compared with PyTorch %s\n\n' "$(field torch "$out/peer-gpt2.json")"
  printf '| model | Culebra, ms per step | torch.compile | ratio | torch.compile without clipping | its memory, GB |\n'
  printf '| --- | ---: | ---: | ---: | ---: | ---: |\n'
  for name in gpt2 baby; do
    [[ ! -s $out/peer-$name.json ]] || awk -v name="$name" -v ours="$(step_millis "$out/beside-$name.md")" \
      -v theirs="$(field ms "$out/peer-$name.json")" -v unclipped="$(field ms_unclipped "$out/peer-$name.json")" \
      -v memory="$(field peak_gb "$out/peer-$name.json")" \
      'BEGIN {
        ratio = (ours > 0) ? theirs / ours : 0
        printf "| %s | %.2f | %.2f | **%.2f** | %.2f | %.1f |\n", name, ours, theirs, ratio, unclipped, memory
      }'
  done
  printf '\n| operation | forward, µs | backward, µs | |\n| --- | ---: | ---: | --- |\n'
  while IFS= read -r each; do
    printf '%s\n' "$each" >"$work/line"
    printf '| %s | %s | %s | %s |\n' "$(field name "$work/line")" "$(field forward_us "$work/line")" "$(field backward_us "$work/line")" \
      "$(field both_us "$work/line" | sed 's/$/ µs for both/')$(field tflops "$work/line" | sed 's/$/ TFLOP\/s/')$(field gbps "$work/line" | sed 's/$/ GB\/s/')$(field problem "$work/line")"
  done < <(grep -s '^{' "$out/peer-operations.json")
}

# --- Command line ------------------------------------------------------------------------------------------------------------------

die() {
  printf 'run.sh: %s\n' "$2" >&2
  exit "$1"
}

names() { printf '%s\n' "${parts[@]}" | cut -d'|' -f1; }

# known LIST: fails unless all are parts
known() {
  local each
  for each in ${1//,/ }; do names | grep -qx -- "$each" || die 2 "no part called $each; run.sh --list shows them"; done
}

small=false
seconds=360
only=
without=
out=
command=${*:+ $*}
while [[ $# -gt 0 ]]; do
  case $1 in
    --small) small=true ;;
    --seconds) seconds=${2:-} && shift ;;
    --only) only=${2:-} && shift ;;
    --skip) without=${2:-} && shift ;;
    --list)
      for each in "${parts[@]}"; do IFS='|' read -r name limit text <<<"$each" && printf '%-15s %3s s  %s\n' "$name" "$limit" "$text"; done
      exit 0
      ;;
    -*) die 2 "unknown option $1; the first lines of run.sh list the options" ;;
    *) out=$1 ;;
  esac
  shift || die 2 "an option has no value"
done
[[ $seconds =~ ^[1-9][0-9]*$ ]] || die 2 "--seconds must be a whole number above 0, not '$seconds'"
known "$only"
known "$without"

info=$(timeout 60 "$here/culebra" info 2>&1)
gpu=$(sed -n 's/^gpu 0 *\([^,]*\),.*/\1/p' <<<"$info")
driver=$(sed -n 's/^driver *//p' <<<"$info")
[[ -n $gpu ]] || die 1 "no GPU: $(sed -n 's/^gpu *//p' <<<"$info" | head -n 1)$(grep -qs ^culebra <<<"$info" || tail -n 1 <<<"$info")"
! grep -q '^ffm *not usable' <<<"$info" || die 1 "$(sed -n 's/^ffm *//p' <<<"$info")"

out=${out:-$here/results-$(date +%F)-$(tr -cs 'A-Za-z0-9\n' '-' <<<"$gpu" | sed 's/-$//')}
mkdir -p "$out" || exit
out=$(cd -- "$out" && pwd)
work=$out/.work
rm -rf "$work" "$out"/*.log "$out"/*.md "$out"/peer-*.json "$out"/profile.csv*
mkdir -p "$work"

# A process that has just started may still have these handlers when it is killed; they must not run there.
finish() {
  [[ $BASHPID == $$ ]] || return
  for each in $job $watch "${peer_jobs[@]}"; do kill -KILL -- "-$each" 2>/dev/null; done
  wait 2>/dev/null
  rm -rf "$work"
}
stopped() {
  [[ $BASHPID == $$ ]] || exit
  rows+=("$part|stopped|0|")
  write_results
  exit 3
}
trap finish EXIT
trap stopped INT TERM HUP

set -m
queue=()
pending=false
for name in $(names); do
  [[ -n $only && ,$only, != *,$name,* || ,$without, == *,$name,* ]] && continue
  [[ $name != peers ]] || { pending=true && continue; }
  queue+=("$name")
done
! $pending || start_peers
for name in "${queue[@]}"; do
  if $pending && ((${#rows[@]} > 1)) && peers_compiled; then
    run_part peers
    pending=false
  fi
  run_part "$name"
done
! $pending || run_part peers
printf '\nResults: %s\n' "$out/results.md"
! $failed || exit 1
! $unfinished || exit 3
