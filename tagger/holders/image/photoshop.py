"""Photoshop's image resources, which hold IPTC in JPEG and TIFF.

What reads damaged resources raises :class:`EmbedError`.

Source: Adobe Photoshop File Formats Specification, "Image Resource Blocks".
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from tagger.holders.image.container import EmbedError

_IPTC = 0x0404
# An MD5 of the IPTC: where it does not fit, programs believe that one which knows no XMP has
# changed the IPTC since, and take that for the newer.
_DIGEST = 0x0425
# What Photoshop writes for the MD5 where there is no IPTC.
_NO_DIGEST = bytes(16)
_SIGNATURES = (b"8BIM", b"MeSa", b"AgHg", b"PHUT", b"DCSR")

#: A change of a text: from, to, what stands there then.
Edit = tuple[int, int, bytes]


@dataclass(frozen=True, slots=True)
class _Resource:
    """A block: its number, where it lies with its padding, and where its data lie."""

    number: int
    start: int
    data: int
    data_end: int
    end: int


def _resources(payload: bytes) -> list[_Resource]:
    found = []
    at = 0
    while at < len(payload) and payload[at : at + 4] in _SIGNATURES and at + 12 <= len(payload):
        number = int.from_bytes(payload[at + 4 : at + 6], "big")
        size_at = at + 6 + (payload[at + 6] // 2 + 1) * 2  # the name with its length, padded
        data = size_at + 4
        data_end = data + int.from_bytes(payload[size_at:data], "big")
        if data_end > len(payload):
            raise EmbedError("Photoshop data that cannot be read")
        end = min(data_end + (data_end - data) % 2, len(payload))
        found.append(_Resource(number, at, data, data_end, end))
        at = end
    if payload[at:].strip(b"\0"):
        raise EmbedError("Photoshop data that cannot be read")
    return found


def _find(payload: bytes, number: int) -> _Resource | None:
    found = [resource for resource in _resources(payload) if resource.number == number]
    if len(found) > 1:
        raise EmbedError("Photoshop data with two of a kind")
    return found[0] if found else None


def _value(payload: bytes, number: int) -> bytes | None:
    resource = _find(payload, number)
    return None if resource is None else payload[resource.data : resource.data_end]


def iptc_of(payload: bytes) -> bytes | None:
    """Return the IPTC in image resources, or None."""
    return _value(payload, _IPTC)


def lacks_iptc(payload: bytes) -> bool:
    """Return whether image resources say in Photoshop's own way that there is no IPTC."""
    return _value(payload, _DIGEST) == _NO_DIGEST and iptc_of(payload) is None


def edits(payload: bytes, iptc: bytes | None, *, lacking: bool = False) -> list[Edit]:
    """Return what to change so that image resources hold this IPTC, from back to front.

    With ``lacking`` they say, as :func:`lacks_iptc` reads it, if they hold none.
    """
    former = iptc_of(payload)
    if former == iptc:
        return []
    resource = _find(payload, _IPTC)
    if resource is None:
        # In front, where it does not matter how the rest ends.
        found = [(0, 0, new_resource(iptc or b""))]
    else:
        head = payload[resource.start : resource.data - 4]
        new = b"" if iptc is None else new_resource(iptc, head)
        found = [(resource.start, resource.end, new)]
    found += digest_edits(payload, former, iptc, lacking=lacking)
    return sorted(found, reverse=True)


def digest_edits(
    payload: bytes, former: bytes | None, iptc: bytes | None, *, lacking: bool = False
) -> list[Edit]:
    """Return what to change so that a digest that fitted the former IPTC fits the new one.

    One that did not fit says something, and continues to say it. The former IPTC may lie elsewhere
    in the file; ``lacking`` is as for :func:`edits`.
    """
    digest = _find(payload, _DIGEST)
    fitting = [_md5(former)] if former is not None else [_md5(None), _NO_DIGEST]
    if digest is None or payload[digest.data : digest.data_end] not in fitting:
        return []
    new = _NO_DIGEST if lacking and iptc is None else _md5(iptc)
    return [(digest.data, digest.data_end, new)]


def new_resource(iptc: bytes, head: bytes = b"8BIM\x04\x04\0\0") -> bytes:
    """Return the resource that holds IPTC; ``head`` is its signature, number and name."""
    return head + len(iptc).to_bytes(4, "big") + iptc + bytes(len(iptc) % 2)


def without_iptc(payload: bytes) -> bytes:
    """Return what stays of image resources whatever the IPTC is."""
    for one in reversed(_resources(payload)):
        if one.number == _IPTC:
            payload = payload[: one.start] + payload[one.end :]
        elif one.number == _DIGEST:
            payload = payload[: one.data] + payload[one.data_end :]
    return payload


def apply(payload: bytes, changes: list[Edit]) -> bytes:
    """Return a text with changes that come from back to front."""
    for start, end, text in changes:
        payload = payload[:start] + text + payload[end:]
    return payload


def _md5(iptc: bytes | None) -> bytes:
    return hashlib.md5(iptc or b"", usedforsecurity=False).digest()
