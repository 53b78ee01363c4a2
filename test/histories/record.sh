#!/usr/bin/env bash
# Records the five histories anew, with this checkout as it is built. See README.md for when that is right.
set -euo pipefail
product="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"
# A neutral place: histories hold the paths of what they were run in.
folder=/tmp/furrow-recorded
rm -rf "$folder"
mkdir -p "$folder"
cp -r "$product/test/histories/pipelines" "$folder"
cd "$folder"

furrow() { node "$product/bin/furrow.js" "$@"; }
record() { node "$product/scripts/recordHistory.mjs" "$2" "$product/test/histories/$1.json"; }
started() { grep -oE 'Run [a-z]+-[0-9a-f]{8}' | head -n 1 | cut -d ' ' -f 2; }
run() { (furrow run "pipelines/$1.yaml" || true) | started; }

furrow up --detach
trap 'furrow down' EXIT
record plain "$(run plain)"
record cached "$(run plain)"
record wide "$(run wide)"
record failed "$(run failed)"

: >cancelled.log
furrow run pipelines/cancelled.yaml >cancelled.log 2>&1 &
until [ -n "$(started <cancelled.log)" ]; do sleep 0.2; done
cancelled="$(started <cancelled.log)"
until furrow show "$cancelled" | grep -q '▶ two'; do sleep 0.2; done
address="$(node -p "JSON.parse(require('fs').readFileSync('.furrow/up.json')).address")"
temporal="$(node -e "import('$product/setup/locate.mjs').then((m) => console.log(m.findTemporal().path))")"
"$temporal" workflow cancel --workflow-id "$cancelled" --address "$address"
wait
record cancelled "$cancelled"
