"""Which images there are, and which are left out: for their names, their age or their tags."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar

import typer

from tagger.cli.options.groups import OptionGroup
from tagger.errors import UsageError, os_reason

if TYPE_CHECKING:
    from tagger.cli.options.holders import HolderOptions
    from tagger.find.already_tagged import Untagged
    from tagger.find.scan import Scan
    from tagger.network.card import ModelCard
    from tagger.rules import Rules


_STDIN = "-"


@dataclass(frozen=True, kw_only=True)
class ImageOptions(OptionGroup):
    """Where images are looked for, and which are taken."""

    panel: ClassVar[str] = "Choose images"

    files_from: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Read more paths from FILE, one per line; - for stdin."),
    ] = None
    null: Annotated[
        bool,
        typer.Option("-0", "--null", help="Lists are NUL-separated, as written by find -print0."),
    ] = False
    list_folders: Annotated[
        bool, typer.Option(help="Also search folders that a list names; otherwise it is refused.")
    ] = False
    include: Annotated[
        list[str] | None,
        typer.Option(metavar="GLOB", help="Only use files that match (repeatable)."),
    ] = None
    exclude: Annotated[
        list[str] | None,
        typer.Option(metavar="GLOB", help="Skip files and folders that match (repeatable)."),
    ] = None
    sniff: Annotated[
        bool,
        typer.Option(
            help="Also look into files with other extensions or none, and use those that are "
            "images: poster, heat.jpg_large."
        ),
    ] = False
    everything: Annotated[
        bool,
        typer.Option(
            help="Also use what is in trash, thumbnail and snapshot folders, packages of other "
            "programs and the like, which folders are otherwise searched without."
        ),
    ] = False
    library: Annotated[
        bool,
        typer.Option(
            help="In Kodi, Jellyfin, Emby or Plex folders, only use posters: poster, folder, "
            "cover, movie, NAME-poster; skip fanart, banners, logos, discs and thumbs."
        ),
    ] = False
    archives: Annotated[
        bool,
        typer.Option(help="Also enter .zip, .cbz and .tar archives in folders, as if unpacked."),
    ] = False
    no_recursive: Annotated[bool, typer.Option(help="Do not enter subfolders.")] = False
    follow_symlinks: Annotated[bool, typer.Option(help="Follow symlinks to folders.")] = False
    newer_than: Annotated[
        str | None,
        typer.Option(
            metavar="DATE",
            help="Only use images changed after a date (2026-01-31, 2026-01-31T18:00) or within an "
            "age (12h, 7d, 2w).",
        ),
    ] = None
    shard: Annotated[
        str | None,
        typer.Option(
            metavar="K/N",
            help="Only use part K of N of the images, for runs on several machines: 1/3, 2/3, 3/3; "
            "'tagger merge' joins their tables.",
        ),
    ] = None
    skip_tagged: Annotated[
        bool,
        typer.Option(
            help="Skip images already tagged by this tool, or with any genre as a keyword."
        ),
    ] = False

    def find(
        self,
        paths: Sequence[str],
        *,
        seconds: float | None = None,
        other_suffixes: Iterable[str] = (),
        verb: str = "tag",
    ) -> Scan:
        """Return where the images are.

        Args:
            paths: of the command line.
            seconds: how long listing a folder may take; None waits forever.
            other_suffixes: endings of files that are taken besides images.
            verb: what is done with them, for a message.

        Raises:
            UsageError: there are no paths, one is missing, or a list cannot be read.
        """
        from tagger.files.kinds import IMAGE_SUFFIXES
        from tagger.find.lists import read_list
        from tagger.find.scan import Scan, WalkOptions, scan
        from tagger.find.shard import Shard

        options = WalkOptions(
            tuple(self.include or ()),
            tuple(self.exclude or ()),
            not self.no_recursive,
            self.follow_symlinks,
            IMAGE_SUFFIXES.union(other_suffixes),
            sniff=self.sniff,
            everything=self.everything,
            library=self.library,
            archives=self.archives,
            newer_than=moment(self.newer_than),
            shard=None if self.shard is None else Shard.parsed(self.shard),
            seconds=seconds,
        )
        lists = [name for name in paths if name == _STDIN][:1]
        if self.files_from is not None and os.fspath(self.files_from) not in lists:
            lists.append(os.fspath(self.files_from))
        direct = [name for name in paths if name != _STDIN]
        if not direct and not lists:
            raise UsageError(f"Nothing to {verb}: pass a folder, images, or - for a list on stdin.")
        named = scan(direct, options)
        folders, files = list(named.folders), list(named.files)
        for name in lists:
            # A path of a list may have vanished since, and then fails as an image does.
            listed = read_list(_content(name), name, null=self.null, folders=self.list_folders)
            folders += listed.folders
            files += listed.files
        return Scan(tuple(dict.fromkeys(folders)), tuple(dict.fromkeys(files)), options)

    def untagged(
        self, found: Scan, card: ModelCard, rules: Rules, holders: HolderOptions
    ) -> Untagged | None:
        """Return what leaves out images that have tags; None if that was not asked for.

        Labels that may be tags count as tags whoever wrote them, and so do their new names.
        Sidecars beside the images count, and those in a mirrored tree.

        Raises:
            UsageError: no one folder can mirror the images.
        """
        from tagger.find.already_tagged import Untagged
        from tagger.holders.places import SidecarNames

        if not self.skip_tagged:
            return None
        places = [SidecarNames()]
        if holders.sidecar_dir is not None:
            places.append(SidecarNames(folder=holders.sidecar_dir, base=found.base()))
        genres = {label for label in card.labels if label not in card.never}
        in_nfos = "nfo" in (holders.sidecar or ())
        return Untagged(places, genres.union(rules.renamed.values()), in_nfos=in_nfos)


def _content(name: str) -> bytes:
    try:
        return sys.stdin.buffer.read() if name == _STDIN else Path(name).read_bytes()
    except OSError as error:
        reason = os_reason(error)
        raise UsageError(f"The list {name} cannot be read: {reason}.", "files-from") from None


_UNITS = {"h": "hours", "d": "days", "w": "weeks"}


def moment(text: str | None) -> float | None:
    """Read the moment after which images must have been changed.

    Args:
        text: a date or date-time of ISO 8601, in local time unless it names a zone, or an age
            such as ``7d``.

    Returns:
        Seconds since 1970; None if nothing was asked for.

    Raises:
        UsageError: it is neither, or lies in the future.
    """
    if text is None:
        return None
    now = datetime.now().astimezone()
    age = re.fullmatch(r"\s*([0-9]{1,9})\s*([hdw])\s*", text, re.IGNORECASE | re.ASCII)
    try:
        if age is not None:
            then = now - timedelta(**{_UNITS[age[2].lower()]: int(age[1])})
        else:
            then = datetime.fromisoformat(text.strip()).astimezone()
        seconds = then.timestamp()
    except (ValueError, OverflowError, OSError):  # the last two: dates that no clock has shown
        raise UsageError(
            f"--newer-than {text}: give a date such as 2026-01-31 or 2026-01-31T18:00, or an age "
            "such as 12h, 7d or 2w.",
            "newer-than",
        ) from None
    if seconds > now.timestamp():
        raise UsageError(
            f"--newer-than {text} is in the future: it is now {now:%Y-%m-%dT%H:%M} here.",
            "newer-than",
        )
    return seconds
