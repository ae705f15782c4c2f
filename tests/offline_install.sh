#!/bin/sh
# Install from a wheelhouse with the network cut, then tag the samples: what a user does on a
# workstation that has never seen the internet, and what the files in packaging/ do in a container.
# Usage: offline_install.sh PYTHON WHEELHOUSE
set -eu

python=$1
wheelhouse=$(cd "$2" && pwd)
tests=$(cd "$(dirname "$0")" && pwd)
samples=$(cd "$tests/../samples" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# A user namespace lets anyone cut their own network; root needs none.
if [ "$(id -u)" = 0 ]; then cut="unshare -n"; else cut="unshare -rn"; fi

# The definition removes its wheelhouse: it gets one of its own, as in a container.
cp -rl "$wheelhouse" "$work/wheelhouse" 2>/dev/null || cp -r "$wheelhouse" "$work/wheelhouse"
"$python" "$tests/container_steps.py" "$tests/../packaging/Dockerfile" "$wheelhouse" >"$work/docker.sh"
"$python" "$tests/container_steps.py" "$tests/../packaging/tagger.def" "$work/wheelhouse" >"$work/apptainer.sh"

$cut sh -eu -c '
    if "$1" -c "import socket; socket.create_connection((\"1.1.1.1\", 53), 2)" 2>/dev/null; then
        echo "the network is not cut" >&2
        exit 1
    fi
    "$1" -m venv "$2/venv"
    cd "$2"
    PATH="$2/venv/bin:$PATH"
    sh docker.sh >docker.log
    sh apptainer.sh tag "$4" -o tags.csv --sidecar xmp --sidecar-dir sidecars >apptainer.log
' sh "$python" "$work" "$wheelhouse" "$samples"

grep "not run without" "$work/docker.log"
grep -q "^Usage: tagger" "$work/docker.log"
grep "^runs on" "$work/apptainer.log"
[ ! -e "$work/wheelhouse" ]

images=$(find "$samples" -type f ! -name "*.py" | wc -l)
sidecars=$(find "$work/sidecars" -name "*.xmp" | wc -l)
rows=$("$work/venv/bin/python" -c '
import csv, sys
with open(sys.argv[1], encoding="utf-8", newline="") as file:
    rows = list(csv.DictReader(file))
assert all(row["tags"] and not row["error"] for row in rows), rows
print(len(rows))
' "$work/tags.csv")
[ "$rows" -eq "$images" ] && [ "$sidecars" -eq "$images" ] || {
    echo "$images samples, $rows rows, $sidecars sidecars" >&2
    exit 1
}
# README's sizes: as measured where docs/figures.json says, and not further off than this.
"$python" - "$tests/../docs/figures.json" "$(du -sm "$wheelhouse" | cut -f1)" "$(du -sm "$work/venv" | cut -f1)" <<'END'
import json, platform, sys
with open(sys.argv[1], encoding="utf-8") as file:
    said = json.load(file)["install"]
print(f"wheels: {sys.argv[2]} MB, installed: {sys.argv[3]} MB")
if platform.machine() == "x86_64":
    assert abs(int(sys.argv[2]) / said["downloaded_mb"] - 1) < 0.15, said
    assert abs(int(sys.argv[3]) / said["installed_mb"] - 1) < 0.15, said
END
echo "offline: installed from the wheelhouse without a network, tagged $rows samples"
