"""The comparison of two trees sees what differs, and nothing that may differ from run to run."""

from __future__ import annotations

import json

import pytest
from same_bytes import After, as_compared, as_text, differences

MANIFEST = {
    "format": 1,
    "options": {"--format": "csv"},
    "run": "0123456789abcdef",
    "started": "2026-01-31T18:00:00+00:00",
    "resumed": ["2026-01-31T18:01:00+00:00"],
    "ended": None,
    "processes": ["01234567"],
    "versions": {"poster-tagger": "0.1.0"},
    "former": None,
}


def manifest(**changed: object) -> bytes:
    """Return a manifest as it is compared."""
    return as_compared("t.csv.run.json", json.dumps(MANIFEST | changed).encode())


def test_another_run_of_the_same_is_the_same() -> None:
    again = {
        "run": "f" * 16,
        "started": "2026-02-01T18:00:00+00:00",
        "resumed": ["2026-02-01T18:01:00+00:00"],
        "processes": ["89abcdef"],
        "versions": {},
    }
    assert manifest(**again) == manifest()
    assert as_text(b'"seconds": 0.5, by poster-tagger 0.1.0 on 2026-01-31') == as_text(
        b'"seconds": 12.25, by poster-tagger 2.0rc1 on 2027-12-01'
    )


@pytest.mark.parametrize(
    "changed", [{"options": {}}, {"resumed": []}, {"ended": "2026-01-31"}, {"more": 1}]
)
def test_what_a_run_is_counts(changed: dict[str, object]) -> None:
    assert manifest(**changed) != manifest()


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (After("tag p", 1, b"a", b"", {"t.csv": "x"}), "exit code 0 became 1"),
        (After("tag p", 0, b"b", b"", {"t.csv": "x"}), "stdout differs: b'a' became b'b'"),
        (After("tag p", 0, b"a", b"", {"t.csv": "y"}), "'t.csv': x became y"),
        (After("tag p", 0, b"a", b"", {}), "'t.csv': x became None"),
    ],
)
def test_a_difference_is_named(changed: After, said: str) -> None:
    before = After("tag p", 0, b"a", b"said", {"t.csv": "x"})

    assert list(differences([before], [before], messages=True)) == []
    (found,) = differences([before], [changed], messages=False)
    assert said in found
