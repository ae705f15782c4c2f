#!/bin/sh
# Install from a wheelhouse with the network cut, then tag the samples: what a user does on a
# workstation that has never seen the internet. Usage: offline_install.sh PYTHON WHEELHOUSE
set -eu

python=$1
wheelhouse=$(cd "$2" && pwd)
samples=$(cd "$(dirname "$0")/../samples" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# A user namespace lets anyone cut their own network; root needs none.
if [ "$(id -u)" = 0 ]; then cut="unshare -n"; else cut="unshare -rn"; fi

$cut sh -eu -c '
    if "$1" -c "import socket; socket.create_connection((\"1.1.1.1\", 53), 2)" 2>/dev/null; then
        echo "the network is not cut" >&2
        exit 1
    fi
    "$1" -m venv "$2/venv"
    "$2/venv/bin/pip" install --quiet --no-index --find-links "$3" poster-tagger
    cd "$2"
    venv/bin/tagger tag "$4" -o tags.csv --sidecar xmp --sidecar-dir sidecars
    venv/bin/tagger doctor
' sh "$python" "$work" "$wheelhouse" "$samples"

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
echo "offline: installed from the wheelhouse without a network, tagged $rows samples"
