"""The manifest: what a run is, as JSON beside its output, and whether another may continue it."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import os
import platform
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final, Self, TypeAlias

from tagger.errors import ModelError, OutputError, UsageError, os_reason
from tagger.files.write import beside, opener, process_token, take_place
from tagger.network.card import ModelCard
from tagger.runs.paths import RunPaths
from tagger.text import printable

_FORMAT = 1

#: The option that names the part of the images which a run takes.
SHARD: Final = "--shard"

#: Distributions whose versions are noted.
_NOTED = ("numpy", "pillow", "onnxruntime", "onnxruntime-gpu", "openvino", "pyarrow", "XlsxWriter")

#: What an option may be: as JSON holds it.
Option: TypeAlias = str | int | float | bool | list[str] | dict[str, Any] | None


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def versions_noted(own: str) -> dict[str, str]:
    """Return the versions of what results depend on; ``own`` is that of this program."""
    found = {"poster-tagger": own, "python": platform.python_version()}
    for name in _NOTED:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    found["system"] = f"{platform.system()} {platform.machine()}".strip() or os.name
    return found


@dataclass(frozen=True)
class ModelFacts:
    """What a card says of its model, and the digest of the file: it gives the same probabilities.

    The fields are the keys in a manifest, which must all be there.
    """

    name: str
    version: str
    precision: str
    sha256: str

    @classmethod
    def of(cls, card: ModelCard, file: Path) -> Self:
        """Return what a manifest notes of a model file.

        Raises:
            ModelError: it cannot be read.
        """
        try:
            with open(file, "rb") as stream:
                digest = hashlib.file_digest(stream, "sha256").hexdigest()
        except OSError as error:
            name = printable(str(file))
            raise ModelError(f"{name} cannot be read: {os_reason(error)}.") from None
        return cls(card.name, card.version, card.precision, digest)

    def is_of(self, card: ModelCard | ModelFacts) -> bool:
        """Return whether a card is of that model, whatever its precision."""
        return (self.name, self.version) == (card.name, card.version)

    def __str__(self) -> str:
        """Say it in a sentence."""
        return f"{self.name} {self.version} ({self.precision}, SHA-256 {self.sha256[:12]}…)"


@dataclass(frozen=True)
class Manifest:
    """What a run is.

    Fields that are compared are the keys of the file, in its order. Later versions may add keys,
    which this one ignores.

    Attributes:
        output: what it writes, for people.
        model: that tags.
        options: that change results, by the names that they have on the command line.
        device: where the network runs; None if none does.
        folder: where the table's relative paths lead from, as seen from the table's own folder;
            None if it has none, or an earlier version made it.
        run: names the run, and binds journal and manifest together.
        started: when it began; UTC, as all times.
        resumed: when it was continued.
        ended: when it was finished; None while it is not.
        images: how many there are in the output, by what became of them; None while it runs.
        sha256: of the finished table; None if there is none, or an earlier version made it.
        input: of a run with ``--shard``, how many images all shards have together, and how many
            this one has; None while it runs.
        processes: tokens of the processes that did not come to an end; they may have left files
            half-written, see :func:`tagger.files.write.remove_left_by`.
        versions: of this program and of what its results depend on.
        former: of the finished table that this run will replace.
        defaults: the built-in values of all options, for manifests of versions that lacked one; not
            stored.
    """

    output: str
    model: ModelFacts
    options: Mapping[str, Option]
    device: str | None = None
    folder: str | None = None
    run: str = field(default_factory=lambda: secrets.token_hex(8))
    started: str = field(default_factory=_now)
    resumed: tuple[str, ...] = ()
    ended: str | None = None
    images: Mapping[str, int] | None = None
    sha256: str | None = None
    input: Mapping[str, int] | None = None
    processes: tuple[str, ...] = field(default_factory=lambda: (process_token(),))
    versions: Mapping[str, str] = field(default_factory=dict)
    former: Manifest | None = None
    defaults: Mapping[str, Option] = field(default_factory=dict, compare=False)

    def ending(
        self,
        images: Mapping[str, int],
        sha256: str | None,
        input: Mapping[str, int] | None = None,
    ) -> Manifest:
        """Return the manifest of the finished run; see :class:`Manifest` for the arguments."""
        return dataclasses.replace(
            self,
            ended=_now(),
            images=images,
            sha256=sha256,
            input=input,
            processes=(),
            former=None,
        )

    def resuming(self, previous: Manifest) -> Manifest:
        """Return the manifest of this run as one that continues a previous one."""
        return dataclasses.replace(
            self,
            folder=self.folder or previous.folder,
            run=previous.run,
            started=previous.started,
            resumed=(*previous.resumed, self.started),
            processes=(*previous.processes, *self.processes),
            former=previous.finished(),
        )

    def replacing(self, before: Manifest | None) -> Manifest:
        """Return the manifest of this run as one that starts over where another one was."""
        if before is None:
            return self
        processes = (*before.processes, *self.processes)
        return dataclasses.replace(self, processes=processes, former=before.finished())

    @classmethod
    def of_finished(cls, table: str) -> Manifest | None:
        """Return the manifest of a table, if a finished run made it and it can be read."""
        with contextlib.suppress(UsageError):
            manifest = cls.read(RunPaths.of_table(table, as_text=True).manifest)
            return manifest and manifest.finished()
        return None

    def finished(self) -> Manifest | None:
        """Return the manifest of the table that is there, if a finished run made it."""
        return self if self.ended else self.former

    @property
    def shard(self) -> str | None:
        """The part of the images that the run takes, as ``K/N``; None if it takes all."""
        value = self.options.get(SHARD)
        return None if value is None else str(value)

    def refusal(self, previous: Manifest, what: str) -> str | None:
        """Return why this run cannot continue a previous one, which made ``what``, or None."""
        if (difference := self.difference(previous)) is None:
            return None
        before, here = difference
        way_out = "pass the same"
        if self.model != previous.model:
            way_out += " --model"
            if self.model.is_of(previous.model):
                way_out += ", or the same --device"
        return (
            f"--resume cannot continue {what}: that run used {before}; this one uses {here}: "
            f"{way_out}, or start over with --overwrite."
        )

    def difference(self, other: Manifest) -> tuple[str, str] | None:
        """Return what another run used and what this one uses, if results could differ."""
        if self.model != other.model:
            return f"the model {other.model}", str(self.model)
        for name in dict.fromkeys((*self.defaults, *other.options, *self.options)):
            built_in = self.defaults.get(name)
            then = other.options.get(name, built_in)
            now = self.options.get(name, built_in)
            is_known = name in self.defaults  # else a later version added it: unused, it is no news
            if then != now and (is_known or then or now):
                before = _said(name, then, now, is_default=is_known and then == built_in)
                here = _said(name, now, then, is_default=is_known and now == built_in)
                return before, here
        return None

    def write(self, file: str) -> None:
        """Write the manifest, whole or not at all.

        Raises:
            OutputError: it cannot be written.
        """
        text = json.dumps(_as_json(self), indent=2, ensure_ascii=False) + "\n"
        try:
            # Whoever writes it holds the lock, so one name will do.
            with open(beside(file), "wb", opener=opener) as stream:
                stream.write(text.encode("utf-8"))
                stream.flush()
                os.fsync(stream.fileno())
            take_place(beside(file), file)
        except OSError as error:
            with contextlib.suppress(OSError):
                os.unlink(beside(file))
            raise OutputError(f"{printable(file)} cannot be written: {os_reason(error)}.") from None

    @classmethod
    def read(cls, file: str) -> Manifest | None:
        """Return a run's manifest, or None if there is none.

        Raises:
            UsageError: it cannot be read, or not by this version.
        """
        try:
            data = json.loads(Path(file).read_bytes())
            if data["format"] != _FORMAT:
                raise UsageError(
                    f"{printable(file)} has format {data['format']}, but this version reads format "
                    f"{_FORMAT}: update poster-tagger, or start over with --overwrite."
                )
            return _from_json(data)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise UsageError(f"{printable(file)} cannot be read: {os_reason(error)}.") from None
        except (KeyError, TypeError, ValueError, AttributeError, RecursionError):
            raise UsageError(
                f"{printable(file)} is damaged: start over with --overwrite."
            ) from None


def _as_json(manifest: Manifest) -> dict[str, Any]:
    former = manifest.former
    return {
        "format": _FORMAT,
        **{key: getattr(manifest, key) for key in _keys()},
        "model": dataclasses.asdict(manifest.model),
        "former": None if former is None else _as_json(former),
    }


def _keys() -> list[str]:
    return [field.name for field in dataclasses.fields(Manifest) if field.compare]


def _from_json(data: dict[str, Any]) -> Manifest:
    known: dict[str, Any] = {"output": "", "started": "", "processes": ()}
    known |= {key: data[key] for key in _keys() if key in data}
    known |= {key: data[key] for key in ("options", "run")}  # without these it is damaged
    facts = (data["model"][field.name] for field in dataclasses.fields(ModelFacts))
    known["model"] = ModelFacts(*facts)
    known["former"] = None if known.get("former") is None else _from_json(known["former"])
    known["resumed"] = tuple(known.get("resumed", ()))
    known["processes"] = tuple(known["processes"])
    manifest = Manifest(**known)
    if not isinstance(manifest.options, dict) or not re.fullmatch("[0-9a-f]{16}", manifest.run):
        raise TypeError
    return manifest


def _said(name: str, value: Option, other: Option, *, is_default: bool) -> str:
    """Say in a few words how an option was chosen, and only what differs of it."""
    said = _chosen(name, value, other)
    text = said.removeprefix(f"{name} ")
    return f"the default ({text})" if is_default and text != said else said


def _chosen(name: str, value: Option, other: Option) -> str:
    if isinstance(value, dict) or isinstance(other, dict):
        here = value if isinstance(value, dict) else {}
        there = other if isinstance(other, dict) else {}
        differing = [key for key in (*here, *there) if here.get(key) != there.get(key)]
        key = differing[0] if differing else ""
        return f"{name} {key}={here[key]}" if key in here else f"no {name} {key}"
    if value in (None, False, []):
        return f"no {name}"
    if value is True:
        return name
    text = ",".join(value) if isinstance(value, list) else str(value)
    return f"{name} {text}"
