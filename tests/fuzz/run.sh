#!/bin/sh
# Builds the fuzz targets and runs each for SECONDS, an entrance for ENTRANCE_SECONDS; then each one's canary, whose planted
# bug must be found.
# usage: tests/fuzz/run.sh SECONDS ENTRANCE_SECONDS [PRESET [TARGET entrance|parser]]
# PRESET: fuzz for long runs, the default; dev when that is built anyway
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
seconds=${1:?seconds per target}
entrance_seconds=${2:?seconds per entrance}
preset=${3:-fuzz}
build=$root/build/$preset
canary_seconds=60
cd "$root"
if [ $# -lt 4 ]; then
  tools/build "$preset" fuzz_all
  exec xargs -P "${JOBS:-$(nproc)}" -L 1 "$0" "$seconds" "$entrance_seconds" "$preset" <"$build/fuzz_targets.txt"
fi

name=$4
[ "$5" != entrance ] || seconds=$entrance_seconds
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# run TARGET SECONDS: begins with the inputs of seeds/ and the words of dictionaries/ where there are any; its output goes to
# $work/TARGET.log; artifacts of a crash to $work.
run() {
  mkdir -p "$work/$1"
  seeds=$root/tests/fuzz/seeds/$name
  [ ! -d "$seeds" ] || cp "$seeds"/* "$work/$1/"
  words=$root/tests/fuzz/dictionaries/$name.dict
  [ -f "$words" ] || words=
  "$build/bin/$1" ${words:+-dict="$words"} -max_total_time="$2" -max_len=4096 -rss_limit_mb=2048 -timeout=10 \
    -artifact_prefix="$work/$1-" -print_final_stats=1 "$work/$1" >"$work/$1.log" 2>&1
}

failed=0
if run "fuzz_$name" "$seconds"; then
  echo "fuzz $name: clean, $(sed -n 's/^stat::number_of_executed_units: *//p' "$work/fuzz_$name.log") runs in ${seconds}s"
else
  failed=1
  echo "fuzz $name: FAILED"
  tail -n 40 "$work/fuzz_$name.log"
  for artifact in "$work/fuzz_$name-"*; do
    [ -f "$artifact" ] && echo "input, in base64: $(base64 -w0 "$artifact")"
  done
fi
if run "fuzz_${name}_canary" "$canary_seconds"; then
  failed=1
  echo "fuzz $name: FAILED to find its planted bug within ${canary_seconds}s"
elif ! grep -q "deadly signal" "$work/fuzz_${name}_canary.log"; then
  failed=1
  echo "fuzz $name: its canary ended, but not by the planted bug"
  tail -n 40 "$work/fuzz_${name}_canary.log"
fi
exit $failed
