#!/bin/sh
# Builds the package, checks it, and installs the wheel in a fresh environment on every Python there is.
# For one that is not, pip is asked whether every dependency has a wheel for it.
set -eu
python=$1
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
"$python" -m venv "$scratch/tools"
"$scratch/tools/bin/pip" install --quiet --upgrade build pip twine
"$scratch/tools/bin/python" -m build --outdir "$scratch/dist" . >"$scratch/build.log" 2>&1 || {
    cat "$scratch/build.log" >&2
    exit 1
}
"$scratch/tools/bin/twine" check --strict "$scratch"/dist/*
tried=0
for version in 3.11 3.12 3.13 3.14; do
    found=$(command -v "python$version") && "$found" -c "" 2>/dev/null || {
        "$scratch/tools/bin/pip" install --quiet --dry-run --target "$scratch/wheels" \
            --python-version "$version" --only-binary :all: "$scratch"/dist/*.whl
        echo "python$version: not here; every dependency has a wheel for it"
        continue
    }
    "$found" -m venv "$scratch/$version"
    "$scratch/$version/bin/pip" install --quiet "$scratch"/dist/*.whl
    "$scratch/$version/bin/tagger" tag samples --text none --device cpu -q -o "$scratch/$version.csv"
    test -f "$scratch/$version/share/man/man1/tagger-tag.1"
    echo "$("$found" -VV | cut -d' ' -f1-2): installed, tagged $(($(wc -l <"$scratch/$version.csv") - 1)) samples"
    tried=$((tried + 1))
done
test "$tried" -gt 0
