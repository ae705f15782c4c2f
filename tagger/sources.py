"""Where the results of a run come from: the network on images, here or on a cluster."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING

from tagger.decode.budget import DEFAULT_LIMITS, ImageLimits
from tagger.decode.facts import STAMP
from tagger.errors import TaggerError
from tagger.job import Source
from tagger.pipeline.decode import Decode
from tagger.results import Failed, Result, Tagged
from tagger.runs.texts import NO_TEXTS, TextFrom, TextPlan

if TYPE_CHECKING:
    from tagger.cluster.ray_cluster import Cluster
    from tagger.find.already_tagged import Untagged
    from tagger.find.scan import Scan
    from tagger.job import Outputs
    from tagger.network.card import ModelCard
    from tagger.network.model import TaggerModel
    from tagger.pipeline.stages import See
    from tagger.results import ImageText
    from tagger.rules import Rules


def images(
    found: Scan,
    model: TaggerModel,
    rules: Rules,
    *,
    workers: int,
    limits: ImageLimits = DEFAULT_LIMITS,
    decode: Decode = Decode.AUTO,
    untagged: Untagged | None = None,
    texts: TextPlan = NO_TEXTS,
    see: See | None = None,
) -> Source:
    """Return a source that runs the network on images; with ``untagged``, on those without tags.

    The network also gets the ``texts`` of the images.
    The other arguments are those of :func:`tagger.pipeline.pipeline.tag_lots`.

    Raises:
        UsageError: the batches do not fit into memory.
        MissingExtraError: what reads words off images is not installed.
    """
    from tagger.pipeline.pipeline import check_memory, tag_lots

    check_memory(model, workers, decode)  # before an output is opened
    texts = with_reader(texts, model.device, limits, isolated=decode is Decode.PROCESSES)

    def results(outputs: Outputs) -> Iterator[Sequence[Result]]:
        report = outputs.report
        tagged = tag_lots(
            outputs.left_of(found.paths(report.failed, report.left_out, outputs.order), untagged),
            model,
            rules,
            workers=workers,
            facts=(*outputs.job.table.columns, STAMP),
            limits=limits,
            decode=decode,
            text_of=texts.text_of(),
            see=see,
        )
        return _until_lost(tagged) if found.has_urls else tagged

    return Source(model.card, model.file, rules, results, model.device, found, texts=texts)


def _until_lost(lots: Iterable[Sequence[Result]]) -> Iterator[Sequence[Result]]:
    """Yield results, one by one, until so many stores give no answer that none will.

    Raises:
        TaggerError: that many did not.
    """
    from tagger.stores.remote import MOST_UNREACHABLE, UNREACHABLE

    lost = 0
    for result in chain.from_iterable(lots):
        yield [result]
        is_lost = isinstance(result, Failed) and result.reason.startswith(UNREACHABLE)
        lost = lost + 1 if is_lost else 0
        if lost >= MOST_UNREACHABLE:
            raise TaggerError(
                f"{lost} images in a row got {UNREACHABLE}: check the connection, then continue "
                "with --resume --retry-failed."
            )


def images_on(
    cluster: Cluster,
    found: Scan,
    card: ModelCard,
    rules: Rules,
    *,
    limits: ImageLimits = DEFAULT_LIMITS,
    untagged: Untagged | None = None,
    texts: TextPlan = NO_TEXTS,
) -> Source:
    """Return the source of :func:`images` on a Ray cluster, which opens the model of the card.

    Raises:
        TaggerError: a node lacks something, or does not answer.
    """
    from tagger.cluster.check import check_nodes
    from tagger.cluster.ray_data import tag_on_ray
    from tagger.cluster.work import work_on

    check_nodes(cluster, chain(found.folders, found.files))

    def results(outputs: Outputs) -> Iterator[Sequence[Result]]:
        report, facts = outputs.report, (*outputs.job.table.columns, STAMP)
        text_of = partial(_text_of, texts, cluster.device, limits, cluster.plan.isolated)
        work = work_on(cluster, card, rules, facts, limits, text_of)
        paths = outputs.left_of(
            found.paths(report.failed, report.left_out, outputs.order), untagged
        )
        tagged = tag_on_ray(paths, cluster, work)
        for results in _until_lost(tagged) if found.has_urls else tagged:
            for result in results:
                if texts.titles is not None and isinstance(result, Tagged):
                    texts.titles.of(result.path)  # notes that the table is used
            yield results

    return Source(card, cluster.model, rules, results, cluster.device, found, texts=texts)


def _text_of(
    texts: TextPlan, device: str, limits: ImageLimits, isolated: bool
) -> Callable[[str], ImageText | None] | None:
    return with_reader(texts, device, limits, isolated=isolated).text_of()


def with_reader(
    texts: TextPlan, device: str, limits: ImageLimits, *, isolated: bool = False
) -> TextPlan:
    """Return the plan with what reads the words off images, if they are wanted.

    Raises:
        MissingExtraError: it is not installed.
        TaggerError: other networks than its are.
    """
    if texts.source is not TextFrom.OCR or texts.read is not None:
        return texts
    from tagger.network.devices import parse_devices
    from tagger.ocr.cache import default_file
    from tagger.ocr.reader import Reader

    first = parse_devices(device)[0]
    reader = Reader(first, limits=limits, isolated=isolated, kept_in=default_file())
    return dataclasses.replace(texts, read=reader.words)
