"""What a model learns from so many corrected images: macro-AP on all others, before and after.

Corrections are simulated from true labels, of images that the model was not trained on::

    python benchmarks/corrections.py --model a.onnx --images posters/ --labels held-out.csv
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from tagger_export.corrected import last_layer_outputs
from tagger_training.corrections import read_corrected
from tagger_training.head_correction import learn_correction
from tagger_training.labels import Notice
from tagger_training.metrics import binary_log_loss, macro_average_precision

from tagger.network.model import BUNDLED_MODEL, read_card


class _Listener:
    def notice(self, notice: Notice) -> None:
        print(f"Note: {notice}.")

    def images_decoded(self, done: int, total: int) -> None:
        if done == total:
            print(f"{total:,} images.")


def main() -> None:
    """Print a line for each number of images."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, default=BUNDLED_MODEL)
    parser.add_argument("--images", type=Path, required=True)
    parser.add_argument("--labels", type=Path, required=True)
    parser.add_argument("--counts", type=int, nargs="+", default=[50, 200, 800])
    parser.add_argument("--rounds", type=int, default=3, help="random choices of each number")
    arguments = parser.parse_args()
    card = read_card(arguments.model)
    with read_corrected(arguments.labels, arguments.images, card, _Listener()) as (pixels, truth):
        features, logits = last_layer_outputs(arguments.model, pixels)
    scored = np.array([label in card.scored for label in card.labels])
    print("corrected  measured on  macro-AP before  after  log-loss before   after  penalty")
    for count in arguments.counts:
        for round_ in range(arguments.rounds):
            order = np.random.default_rng(round_).permutation(len(truth))
            known, rest = order[:count], order[count:]
            learned = learn_correction(features[known], logits[known], truth[known])
            change = features[rest] @ learned.kernel + learned.bias
            before, after = (
                1 / (1 + np.exp(-one)) for one in (logits[rest], logits[rest] + change)
            )
            ap, new_ap = (
                macro_average_precision(truth[rest], one, scored) for one in (before, after)
            )
            loss, new_loss = (binary_log_loss(truth[rest], one) for one in (before, after))
            print(
                f"{count:>9,}  {len(rest):>11,}  {ap:>15.4f} {new_ap:>6.4f}  {loss:>15.4f} "
                f"{new_loss:>7.4f}  {learned.penalty:>7,.0f}"
            )


if __name__ == "__main__":
    main()
