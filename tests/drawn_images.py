"""Small drawn images in every form that a decoder may meet: what is mutated, and fuzzed from."""

from __future__ import annotations

import io
import struct
from functools import cache

import numpy as np
from pictures import grey_ink_profile
from PIL import Image, ImageDraw, TiffImagePlugin

#: Other formats, which are refused by their first bytes.
OTHER_FORMATS = (
    "ICO", "PPM", "TGA", "PDF", "EPS", "PCX", "ICNS", "SGI", "DDS", "MSP", "BLP",
)  # fmt: skip

_XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
    b'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" '
    b'xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:subject><rdf:Bag><rdf:li>red</rdf:li>'
    b"</rdf:Bag></dc:subject></rdf:Description></rdf:RDF></x:xmpmeta>"
)


def draw(mode: str = "RGB", size: tuple[int, int] = (37, 53), turn: int = 0) -> Image.Image:
    """Return a poster of shapes and a little noise, in any of Pillow's modes."""
    width, height = size
    page = Image.new("RGB", size, (40 + turn * 60, 90, 160))
    pen = ImageDraw.Draw(page)
    pen.ellipse((3, 4 + turn, width - 5, width + turn), fill=(230, 180, 40))
    pen.rectangle((width // 4, height - 14, width - 6, height - 5), fill=(200, 30, 60))
    noise = np.random.default_rng(turn).integers(0, 40, (height, width, 3), dtype=np.uint8)
    page = Image.fromarray(np.asarray(page) ^ noise)
    if mode in ("I;16", "I"):
        return Image.fromarray(np.asarray(page.convert("L")).astype(np.uint16) * 256 + 5)
    if mode == "F":
        return Image.fromarray(np.asarray(page.convert("L")).astype(np.float32) / 255)
    if mode in ("LA", "RGBA", "PA"):
        page = page.convert("RGBA" if mode == "RGBA" else "LA")
        page.putalpha(Image.linear_gradient("L").resize(size))
        return page
    return page.quantize(32) if mode == "P" else page.convert(mode)


def _saved(image: Image.Image, format: str, **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, format, **options)
    return stream.getvalue()


def _exif(orientation: int = 6) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010E] = "a poster"
    return exif.tobytes()


@cache
def drawn_images() -> dict[str, bytes]:
    """Return name → file, of every format that is accepted."""
    return {**_jpeg(), **_png(), **_gif(), **_webp(), **_bmp(), **_tiff(), **_avif(), **_jp2()}


@cache
def other_images() -> dict[str, bytes]:
    """Return name → file, of formats that are not."""
    files = {f"other-{name.lower()}": _saved(draw("RGB"), name)
             for name in OTHER_FORMATS if name not in ("MSP", "BLP")}  # fmt: skip
    files["other-msp"] = _saved(draw("1"), "MSP")
    files["other-blp"] = _saved(draw("P"), "BLP", blp_version="BLP2")
    files["other-psd"] = b"8BPS\0\1" + bytes(6) + struct.pack(">HIIHH", 3, 53, 37, 8, 3) + bytes(99)
    files["other-svg"] = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
    files["other-wmf"] = b"\xd7\xcd\xc6\x9a" + bytes(80)
    files["other-fits"] = b"SIMPLE  =                    T".ljust(2880)
    files["other-text"] = b"no image at all\n"
    return files


def _jpeg() -> dict[str, bytes]:
    profile = grey_ink_profile()
    return {
        "baseline.jpg": _saved(draw(), "JPEG", quality=80),
        "progressive.jpg": _saved(draw(), "JPEG", progressive=True, quality=90, subsampling=0),
        "grey.jpg": _saved(draw("L"), "JPEG"),
        "cmyk.jpg": _saved(draw("CMYK"), "JPEG", icc_profile=profile),
        "restarts.jpg": _saved(draw(), "JPEG", restart_marker_blocks=2, optimize=True),
        "metadata.jpg": _saved(draw(), "JPEG", exif=_exif(), xmp=_XMP, comment=b"a comment"),
        "several.jpg": _saved(draw(), "MPO", save_all=True, append_images=[draw(turn=1)]),
    }


def _png() -> dict[str, bytes]:
    kinds = {f"{mode.lower().replace(';', '')}.png": _saved(draw(mode), "PNG")
             for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "I;16")}  # fmt: skip
    return kinds | {
        "transparent.png": _saved(draw("P"), "PNG", transparency=3),
        "metadata.png": _saved(draw(), "PNG", exif=_exif(8), dpi=(300, 300)),
        "animated.png": _saved(
            draw("RGBA"), "PNG", save_all=True, append_images=[draw("RGBA", turn=1)], duration=50
        ),
    }


def _gif() -> dict[str, bytes]:
    frames = [draw("P", turn=turn) for turn in (1, 2)]
    return {
        "still.gif": _saved(draw("P"), "GIF"),
        "interlaced.gif": _saved(draw("P"), "GIF", interlace=1, comment=b"a comment"),
        "animated.gif": _saved(draw("P"), "GIF", save_all=True, append_images=frames, duration=50,
                               transparency=0, disposal=2),
    }  # fmt: skip


def _webp() -> dict[str, bytes]:
    frames = [draw("RGBA", turn=1)]
    return {
        "lossy.webp": _saved(draw(), "WEBP"),
        "lossless.webp": _saved(draw(), "WEBP", lossless=True),
        "transparent.webp": _saved(draw("RGBA"), "WEBP", exif=_exif(3), xmp=_XMP),
        "animated.webp": _saved(draw("RGBA"), "WEBP", save_all=True, append_images=frames),
    }


def _bmp() -> dict[str, bytes]:
    return {
        "colour.bmp": _saved(draw(), "BMP"),
        "palette.bmp": _saved(draw("P"), "BMP"),
        "bits.bmp": _saved(draw("1"), "BMP"),
        "headless.bmp": _saved(draw(), "DIB"),
        "rle.bmp": _rle_bitmap(),
    }


def _rle_bitmap() -> bytes:
    """Return a bitmap of 16 by 8 pixels in run lengths, which Pillow reads and does not write."""
    palette = bytes(range(256)) * 4
    rows = b"".join(bytes((10, row, 0, 3, 1, 2, 3, 0, 3, 9, 0, 0)) for row in range(8)) + b"\0\1"
    head = struct.pack("<IiiHHIIiiII", 40, 16, 8, 1, 8, 1, len(rows), 0, 0, 256, 0)
    start = 14 + len(head) + len(palette)
    return b"BM" + struct.pack("<IHHI", start + len(rows), 0, 0, start) + head + palette + rows


def _tiff() -> dict[str, bytes]:
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    tags[700] = _XMP
    tags.tagtype[700] = 7
    compressed = {
        f"{kind.removeprefix('tiff_')}.tif": _saved(draw(), "TIFF", compression=kind)
        for kind in ("tiff_lzw", "tiff_deflate", "packbits", "jpeg")
    }
    return compressed | {
        "raw.tif": _saved(draw(), "TIFF", tiffinfo=tags),
        "fax.tif": _saved(draw("1"), "TIFF", compression="group4"),
        "cmyk.tif": _saved(draw("CMYK"), "TIFF"),
        "lab.tif": _saved(draw("LAB"), "TIFF"),
        "deep.tif": _saved(draw("I;16"), "TIFF"),
        "float.tif": _saved(draw("F"), "TIFF", compression="tiff_lzw"),
        "big.tif": _saved(draw("RGBA"), "TIFF", big_tiff=True),
        "pages.tif": _saved(draw("P"), "TIFF", save_all=True, append_images=[draw("P", turn=1)]),
    }


def _avif() -> dict[str, bytes]:
    return {
        "colour.avif": _saved(draw(), "AVIF", quality=60, speed=10),
        "transparent.avif": _saved(draw("RGBA"), "AVIF", exif=_exif(), speed=10),
        "animated.avif": _saved(draw(), "AVIF", save_all=True, append_images=[draw(turn=1)],
                                speed=10),
    }  # fmt: skip


def _jp2() -> dict[str, bytes]:
    return {
        "colour.jp2": _saved(draw(), "JPEG2000"),
        "lossy.jp2": _saved(draw(), "JPEG2000", irreversible=True, quality_layers=[20]),
        "grey.jp2": _saved(draw("L"), "JPEG2000", num_resolutions=2),
        "transparent.jp2": _saved(draw("RGBA"), "JPEG2000", tile_size=(32, 32)),
        "deep.jp2": _saved(draw("I;16"), "JPEG2000"),
        "bare.j2k": _saved(draw(), "JPEG2000", no_jp2=True),
    }
