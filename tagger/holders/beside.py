"""What other people did in the other files that hold keywords of an image."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from tagger.errors import CannotChange
from tagger.holders.listing import ending_of
from tagger.holders.places import Places

if TYPE_CHECKING:
    from tagger.holders.xmp.foreign import Foreign


def foreign_beside(file: str, image: str, places: Places) -> Sequence[Foreign]:
    """Read the image and its sidecars, but for one of these files; sidecars come first.

    A sidecar that may be another file's counts, since programs take it for this image's too, unless
    it says so itself.
    """
    # Loaded here: a run that writes text files reads no XMP.
    from tagger.holders.image.container import Reader, opened
    from tagger.holders.image.foreign import foreign_of

    versions = places.versions(image)
    sidecars = [one for one in places.named(image) if one not in versions]
    if file in versions:  # what another version of the image says is not this one's
        sidecars = []
    sidecars = [one for one in sidecars if one != file and os.path.lexists(one)]
    found = list(_in_sidecars(sidecars, image)) if sidecars else []
    if image != file:
        with contextlib.suppress(CannotChange, OSError), opened(image) as content:
            found.append(foreign_of(Reader(content)))
    return found


def _in_sidecars(sidecars: Sequence[str], image: str) -> Iterator[Foreign]:
    from tagger.holders.change import read_sidecar
    from tagger.holders.xmp.foreign import read_foreign
    from tagger.holders.xmp.packet import Packet

    for sidecar in sidecars:
        try:
            content = read_sidecar(sidecar)[0]
        except (CannotChange, OSError):
            continue
        said = None
        with contextlib.suppress(CannotChange):  # programs may still make something of it
            said = Packet(content).said_owner()[0]
        if said in (None, ending_of(image)):
            yield read_foreign(content)[0]
