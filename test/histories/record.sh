#!/usr/bin/env bash
# Records the histories anew, with this checkout as it is built. See README.md for when that is right.
set -euo pipefail
product="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"
# A neutral place: histories hold the paths of what they were run in.
folder=/tmp/furrow-recorded
rm -rf "$folder"
mkdir -p "$folder"
cp -r "$product/test/histories/pipelines" "$folder"
cd "$folder"

furrow() { node "$product/bin/furrow.js" "$@"; }
record() { node "$product/scripts/recordHistory.mjs" "${2:-$1-1}" "$product/test/histories/$1.json"; }
# A run that fails or is held ends the command with another code.
run() { furrow run "pipelines/${2:-$1}.yaml" --id "$1-1" || true; }
until_shown() { until furrow show "$1-1" | grep -q "$2"; do sleep 0.2; done; }

furrow up --detach
trap 'furrow down' EXIT
for shape in plain wide failed; do
  run "$shape"
  record "$shape"
done
run cached plain
record cached

run held
furrow watch held-1 || true
until_shown held 'held-1: failed'
record held

run retried
furrow retry retried-1 data --set 'data.source=synthetic:plots?train=12&test=4&height=40&width=26'
record retried

run approved
furrow approve approved-1
furrow watch approved-1
record approved

furrow run pipelines/paused.yaml --id paused-1 --detach
until_shown paused '▶ convnet'
furrow pause paused-1
until_shown paused '⏸ convnet'
furrow resume paused-1
furrow watch paused-1
record paused

run reset plain
furrow reset reset-1 --to evaluate
record reset

run tracked
record tracked
run_id="$(furrow show tracked-1 --json | node -p 'JSON.parse(require("node:fs").readFileSync(0)).run.runId')"
record tracker "tracked-1.tracking.${run_id: -8}"

furrow run pipelines/cancelled.yaml --id cancelled-1 --detach
until_shown cancelled '▶ two'
furrow cancel cancelled-1
record cancelled
