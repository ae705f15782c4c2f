"""What lies among images and is no part of a collection: trash, thumbnails, old versions, packages.

The names are those that the programs use: Synology (``@eaDir``, ``#recycle``, ``#snapshot``), QNAP
(``@Recycle``, ``.@__thumb``, ``@Recently-Snapshot``), Samba and Unraid (``.recycle``,
``.Recycle.Bin``), macOS (``.Trashes``, ``.Spotlight-V100``, AppleDouble, packages), Windows
(``$RECYCLE.BIN``, ``System Volume Information``), freedesktop.org (``.Trash-1000``,
``.thumbnails``, ``.sh_thumbnails``), Android (``.trashed-…``, ``.pending-…``, ``LOST.DIR``), file
systems (``lost+found``, ``.snapshots``, ``.zfs``), programs that synchronise (``.stversions``,
``.sync``, ``files_versions``), digiKam (``.dtrash``), Picasa, and version control.
"""

from __future__ import annotations

import os
import re

_FOLDERS = re.compile(
    # Trash.
    r"\.trash.*|\.dtrash|[#@.$]recycle[._ -]?(bin)?|recycler|lost\+found|lost\.dir|found\.[0-9]{3}|"
    r"files_trashbin|"
    # Old versions and snapshots.
    r"\.stversions|\.sync|\.syncarchive|files_versions|[.#~]snapshots?|@recently-snapshot|\.zfs|"
    r"\.mobilebackups.*|.*\.backupdb|\.picasaoriginals|"
    # Thumbnails and caches.
    r"@eadir|\.?@__thumb|@transcode|\.(sh_)?thumb(nail)?s?|\.xvpics|\.cache|\.dropbox\.cache|"
    r"appdata_oc[0-9a-z]+|\.photoprism|"
    # What systems put on a drive.
    r"__macosx|\.appledouble|\.appledb|\.appledesktop|\.fseventsd|\.spotlight-v100|"
    r"\.documentrevisions-v100|\.temporaryitems|system volume information|\.tmp\.drive\w+|"
    # Packages of other programs, which macOS shows as one file.
    r".*\.(photos?library|aplibrary|migrated(photo|ap)library|lrdata|lrlibrary|cocatalog|"
    r"fcpbundle|imovielibrary|rcproject|tvlibrary|musiclibrary)|"
    # Version control, and what programmers' tools keep.
    r"\.git|\.hg|\.svn|\.bzr|\.jj|_darcs|\.dvc|node_modules|__pycache__",
    re.IGNORECASE | re.DOTALL,
)

# AppleDouble (what macOS could not put into the file itself), Android's trash and files that are
# being written, and what a killed run of ours was writing.
_FILES = re.compile(
    r"(\._)|(\.trashed-)[0-9]|(\.pending-)[0-9]|\.[0-9a-f]{8}-[0-9a-f]+(\.part)(?:\.|\Z)",
    re.IGNORECASE,
)


def is_litter_folder(name: str) -> bool:
    """Return whether a folder of this name is no part of a collection, in any case."""
    return _FOLDERS.fullmatch(name) is not None


def file_litter(name: str) -> str | None:
    """Return the kind of litter that a file is by its name, such as ``._*``; None if it is none."""
    found = _FILES.match(name) if name.startswith(".") else None
    if found is None:
        return None
    part = next(filter(None, found.groups()))
    return f"*{part}" if found[4] else f"{part}*"


def is_litter(relative: str | os.PathLike[str]) -> bool:
    """Return whether a file is litter by its own name, or by that of a folder on the way to it.

    Args:
        relative: its path below the folder that a person named.
    """
    *folders, name = os.fspath(relative).replace(os.sep, "/").split("/")
    return file_litter(name) is not None or any(map(is_litter_folder, folders))
