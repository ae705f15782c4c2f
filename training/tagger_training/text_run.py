"""Texts for a run that is already finished: the network stays, a head is learned beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tagger.decode.picture import load_rgb
from tagger.errors import DataError
from tagger.network.card import TextInput
from tagger.results import ImageText, Pixels
from tagger_training.finish import Training, learn_text
from tagger_training.history import TrainingState
from tagger_training.labels import LabelledSet, LabelledTexts, read_labelled_set
from tagger_training.metrics import Evaluation
from tagger_training.prepare import _split
from tagger_training.run_folder import RunFolder
from tagger_training.settings import DataSource, TrainSettings
from tagger_training.text_learning import TEXT_INPUT, RunTexts


def learn_text_of_run(
    folder: Path,
    images: Mapping[str, Mapping[str, ImageText]],
    others: Sequence[LabelledTexts] = (),
    *,
    text: TextInput = TEXT_INPUT,
) -> Mapping[str, Evaluation]:
    """Learn a head from texts for a finished run; ``tagger export`` then adds it to the file.

    Args:
        folder: the run folder; its text head, card and metrics are written.
        images: kind of text, such as ``title`` → id of an image in the run's table → its text.
        others: labelled texts without images, labels in the order of the run's card.
        text: what the network takes.

    Returns:
        For each kind of text, the metrics on all validation images.

    Raises:
        DataError: the run is not finished, its data has moved, or no text can be learned from.
        OutputError: the folder cannot be written.
    """
    run = RunFolder(folder)
    described = run.read_json(run.settings)
    settings = TrainSettings.from_dict(described["settings"])
    source = DataSource.from_dict(described["data"])
    card = run.read_card()
    labelled = read_labelled_set(
        source.table,
        source.images,
        labels=card.labels,
        id_column=source.id_column,
        tags_column=source.tags_column,
        separator=source.separator,
    )
    if settings.validation_share == 0:
        raise DataError(
            f"{folder} was trained on all images, so none is left to learn how much a text counts."
        )
    read = run.read_split()
    labelled = labelled.take([i for i, name in enumerate(labelled.ids) if name in read])
    data, _ = _split(labelled, _Decoded(labelled, settings), settings, card.never)
    texts = {
        kind: [known.get(image_id) for image_id in labelled.ids] for kind, known in images.items()
    }
    training = Training(
        run, settings, labelled, data, card.never, card.scored, TrainingState(),
        RunTexts(texts, others, text),
    )  # fmt: skip
    return learn_text(training)


@dataclass(frozen=True)
class _Decoded:
    """Decodes the images that are asked for, by their positions."""

    labelled: LabelledSet
    settings: TrainSettings

    def __getitem__(self, rows: npt.NDArray[np.int64]) -> Pixels:
        size = self.settings.height, self.settings.width
        return np.stack([load_rgb(self.labelled.files[row], *size) for row in rows])
