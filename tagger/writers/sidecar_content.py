"""What stands in a sidecar: one pure function a format, Tagged → bytes."""

from __future__ import annotations

import json
from collections.abc import Callable
from xml.sax.saxutils import escape as xml_escape

from tagger.card import ModelCard
from tagger.paths import escape
from tagger.results import Tagged

_XMP_HEAD = """\
<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="poster-tagger">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about=""
    xmlns:dc="http://purl.org/dc/elements/1.1/"
    xmlns:lr="http://ns.adobe.com/lightroom/1.0/"
    xmlns:digiKam="http://www.digikam.org/ns/1.0/">
"""
_XMP_TAIL = """\
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="w"?>
"""

# Readers look into different fields, and Immich takes the first it finds: all hold every tag.
# As rdf:Seq digiKam would flatten the hierarchy of lr:hierarchicalSubject (darktable#4095).
_XMP_FIELDS = (
    ("dc:subject", "rdf:Bag"),
    ("lr:hierarchicalSubject", "rdf:Bag"),
    ("digiKam:TagsList", "rdf:Seq"),
)


def txt_sidecar(result: Tagged, card: ModelCard) -> bytes:
    """One line: the tags joined by a comma and a blank."""
    return (", ".join(tag.name for tag in result.tags) + "\n").encode("utf-8")


def json_sidecar(result: Tagged, card: ModelCard) -> bytes:
    """An object with the path, the tags and their scores, all scores, and the model."""
    content = {
        "path": escape(result.path),
        "tags": [{"tag": tag.name, "score": tag.score} for tag in result.tags],
        "scores": dict(zip(card.labels, result.scores.tolist(), strict=True)),
        "model": {"name": card.name, "version": card.version, "precision": card.precision},
    }
    return (json.dumps(content, indent=2, ensure_ascii=False) + "\n").encode("utf-8")


def xmp_sidecar(result: Tagged, card: ModelCard) -> bytes:
    """An XMP packet (ISO 16684-1) with the tags as keywords, flat and hierarchical."""
    items = "".join(f"     <rdf:li>{xml_escape(tag.name)}</rdf:li>\n" for tag in result.tags)
    fields = "".join(
        f"   <{name}>\n    <{container}>\n{items}    </{container}>\n   </{name}>\n"
        for name, container in _XMP_FIELDS
        if items
    )
    return (_XMP_HEAD + fields + _XMP_TAIL).encode("utf-8")


#: Kind of sidecar → its content; the kind is also its file ending.
SIDECARS: dict[str, Callable[[Tagged, ModelCard], bytes]] = {
    "txt": txt_sidecar,
    "json": json_sidecar,
    "xmp": xmp_sidecar,
}
