"""Draw the sample posters: a dozen films that do not exist, in the encodings that people have.

    python samples/draw_samples.py [FOLDER]

Everything is drawn by Pillow and numpy from fixed seeds: no artwork of others, and the same bytes
again with the same versions of both.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import balloon_poster as balloon
import cartoon_posters as cartoons
import lovers_poster as lovers
import numpy as np
import portrait_posters as portraits
import scene_posters as scenes
import silhouette_posters as silhouettes
from PIL import ExifTags, Image


def save_jpeg(poster: Image.Image, path: Path) -> None:
    """Write a plain JPEG."""
    poster.save(path, "JPEG", quality=85, optimize=True)


def save_progressive_jpeg(poster: Image.Image, path: Path) -> None:
    """Write a JPEG in several passes, as made for the web."""
    poster.save(path, "JPEG", quality=85, progressive=True)


def save_turned_jpeg(poster: Image.Image, path: Path) -> None:
    """Write the pixels lying on their side, with the EXIF note that sets them upright."""
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6  # to be shown turned a quarter clockwise
    poster.transpose(Image.Transpose.ROTATE_90).save(path, "JPEG", quality=84, exif=exif)


def save_grey_jpeg(poster: Image.Image, path: Path) -> None:
    """Write a JPEG of one channel."""
    poster.convert("L").save(path, "JPEG", quality=85)


def save_cmyk_jpeg(poster: Image.Image, path: Path) -> None:
    """Write a JPEG for print, its shadows in black ink.

    Pillow's own conversion leaves the black channel empty, so that a reader which drops it would
    go unnoticed.
    """
    light = np.asarray(poster, dtype=np.float64) / 255
    black = 0.8 * (1 - light.max(axis=2, keepdims=True))
    plates = np.concatenate([1 - light / (1 - black), black], axis=2) * 255
    inks = [Image.fromarray(plates[:, :, k].round().astype(np.uint8)) for k in range(4)]
    Image.merge("CMYK", inks).save(path, "JPEG", quality=80)


def few_colours(poster: Image.Image, count: int) -> Image.Image:
    """Give the poster with a palette, undithered: speckles would treble a file's size.

    A palette chosen by area alone would lose small bright things, eyes above all.
    """
    method = Image.Quantize.MAXCOVERAGE
    return poster.quantize(count, method, kmeans=3, dither=Image.Dither.NONE)


def save_palette_png(poster: Image.Image, path: Path) -> None:
    """Write a PNG of 256 colours."""
    few_colours(poster, 256).save(path, "PNG", optimize=True)


def save_png(poster: Image.Image, path: Path) -> None:
    """Write a PNG, with transparency where the poster has it."""
    poster.save(path, "PNG", optimize=True)


def save_webp(poster: Image.Image, path: Path) -> None:
    """Write a lossy WebP."""
    poster.save(path, "WEBP", quality=84, method=6)


def save_gif(poster: Image.Image, path: Path) -> None:
    """Write a GIF of 128 colours."""
    few_colours(poster, 128).save(path, "GIF", optimize=True)


@dataclass(frozen=True)
class Sample:
    """One file: where it goes below the folder, who draws it, how it is written."""

    path: str
    draw: Callable[[], Image.Image]
    save: Callable[[Image.Image, Path], None]


SAMPLES = (
    Sample("a-killers-alibi.gif", portraits.a_killers_alibi, save_gif),
    Sample("biscuit-goes-north.png", cartoons.biscuit_goes_north, save_palette_png),
    Sample("burn-point-seven.jpg", silhouettes.burn_point_seven, save_cmyk_jpeg),
    Sample("festival/Où, l'été.jpg", lovers.the_summer_where, save_progressive_jpeg),
    Sample("festival/the-whale-road.jpg", scenes.the_whale_road, save_grey_jpeg),
    Sample("gunfight-at-dry-creek.jpg", portraits.gunfight_at_dry_creek, save_jpeg),
    Sample("over-the-cloud-peaks.jpg", balloon.over_the_cloud_peaks, save_jpeg),
    Sample("sorry-about-the-cake.png", cartoons.sorry_about_the_cake, save_png),
    Sample("the-last-dance-band.jpg", silhouettes.the_last_dance_band, save_jpeg),
    Sample("the-long-ridge.jpg", portraits.the_long_ridge, save_turned_jpeg),
    Sample("the-ninth-orbit.webp", scenes.the_ninth_orbit, save_webp),
    Sample("the-red-moon.jpg", silhouettes.the_red_moon, save_jpeg),
)


def main(arguments: Sequence[str] | None = None) -> None:
    """Draw every sample into the folder named on the command line."""
    parser = argparse.ArgumentParser(description="Draw the sample posters.")
    parser.add_argument(
        "folder", nargs="?", type=Path, default=Path(__file__).parent, metavar="FOLDER",
        help="where to write them (default: beside this script)",
    )  # fmt: skip
    folder: Path = parser.parse_args(arguments).folder
    for sample in SAMPLES:
        path = folder / sample.path
        path.parent.mkdir(parents=True, exist_ok=True)
        sample.save(sample.draw(), path)
        print(path)


if __name__ == "__main__":
    main()
