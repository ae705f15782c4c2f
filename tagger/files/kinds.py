"""What a file is by its first bytes: an image that is decoded, another image, or no image at all.

Sources: the formats' specifications, and the magic files of file(1).
"""

from __future__ import annotations

import re
from functools import cache
from importlib.util import find_spec
from typing import Final

#: Formats of images that need an extra: its name, its package, extensions.
EXTRAS: Final = {
    "HEIC": ("heic", "pi_heif", (".heic", ".heif", ".hif")),
    "JPEG XL": ("jxl", "imagecodecs", (".jxl",)),
}


@cache
def is_installed(package: str) -> bool:
    """Say whether a package is there, without loading it."""
    try:
        return find_spec(package) is not None
    except (ImportError, ValueError):  # something hides it
        return False


#: Extensions of image files that can be read here; case is ignored.
IMAGE_SUFFIXES = frozenset(
    (".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".apng", ".webp", ".gif", ".bmp", ".dib", ".tif",
     ".tiff", ".avif", ".jp2", ".j2k", ".j2c", ".jpf", ".jpx")
).union(*(endings for _, package, endings in EXTRAS.values() if is_installed(package)))  # fmt: skip

#: So many bytes from a file's start tell its kind.
HEAD_BYTES: Final = 512

#: Signatures of the images that are decoded. A DIB has none.
_DECODED: Final = (
    ("JPEG", rb"\xff\xd8\xff"),
    ("PNG", rb"\x89PNG\r\n\x1a\n"),
    ("WEBP", rb"RIFF....WEBPVP8"),
    ("GIF", rb"GIF8[79]a"),
    ("BMP", rb"BM.{4}\0{4}.{2}\0\0"),
    ("TIFF", rb"II\*\0|MM\0\*|II\+\0|MM\0\+"),
    ("AVIF", rb".{4}ftypavi[fs]|.{4}ftyp(?:mif1|msf1).{4}(?:.{4}){0,8}avi[fs]"),
    ("JPEG 2000", rb"\0\0\0\x0cjP  \r\n\x87\n|\xff\x4f\xff\x51"),
)

#: Images that are decoded where the package of an extra is installed.
_WITH_EXTRA: Final = (
    ("HEIC", rb".{4}ftyp(?:hei[cmsx]|hev[cmsx]|mif[12]|msf1)"),
    ("JPEG XL", rb"\xff\x0a|\0\0\0\x0cJXL \r\n\x87\n"),
)

#: Other images.
_UNSUPPORTED: Final = (
    ("a Photoshop document", rb"8BPS"),
    ("a raw image of a camera", rb".{4}ftypcrx |FUJIFILMCCD-RAW|IIRO|IIRS|IIU\0|MMOR|FOVb|\0MRM"),
    ("an SVG drawing", rb"\s*(?:<\?xml.*?)?(?:<!--.*?-->\s*)*(?:<!DOCTYPE svg|<svg)"),
    ("an icon (ICO)", rb"\0\0[\1\2]\0[\x01-\x40]\0"),
    ("an icon (ICNS)", rb"icns"),
    ("a GIMP image (XCF)", rb"gimp xcf"),
    ("a JPEG XR image", rb"II\xbc"),
    ("a DDS texture", rb"DDS "),
    ("an OpenEXR image", rb"v/1\x01"),
    ("a Radiance HDR image", rb"#\?R(?:ADIANCE|GBE)\n"),
    ("a portable anymap (PBM, PGM, PPM)", rb"P[1-7]\s"),
    ("a QOI image", rb"qoif"),
    ("a FITS image", rb"SIMPLE  ="),
    ("a DjVu document", rb"AT&TFORM"),
    ("an EPS or PostScript file", rb"%!PS|\xc5\xd0\xd3\xc6"),
    ("a Windows metafile", rb"\xd7\xcd\xc6\x9a|\x01\0\0\0.{36} EMF"),
)

#: What often passes for an image: names that lie, placeholders, downloads gone wrong.
_NO_IMAGE: Final = (
    ("a Git LFS pointer, not the file itself (git lfs pull fetches it)",
     rb"version https://git-lfs\.github\.com/spec/"),
    ("a git-annex pointer, not the file itself (git annex get fetches it)", rb"/annex/objects/"),
    ("metadata of macOS (AppleDouble)", rb"\0\x05\x16[\x00\x07]"),
    ("an alias of macOS", rb"book\0\0\0\0mark"),
    ("a shortcut of Windows", rb"L\0\0\0\x01\x14\x02\0|\[InternetShortcut\]"),
    ("a web page (HTML)",
     rb"\s*(?:<\?xml.*?>\s*)?(?:<!--.*?-->\s*)*<(?:!doctype html|html|head|body|script|title)"),
    ("an XML file", rb"\s*<\?xml"),
    ("a PDF document", rb"%PDF-"),
    ("a video", rb".{4}ftyp(?:isom|iso[2-9]|mp4[12v]|mp7|avc1|dash|mmp4|M4V|qt  |3g[2ep]|XAVC)"),
    ("a video", rb".{4}(?:moov|mdat|wide|free|skip)|RIFF....AVI |\x1a\x45\xdf\xa3|FLV\x01|OggS"),
    ("a video", rb"\0\0\x01[\xba\xb3]|\x30\x26\xb2\x75\x8e\x66\xcf\x11|G.{187}G.{187}G"),
    ("sound", rb".{4}ftypM4[AB] |ID3|fLaC|RIFF....WAVE|\xff\xfb"),
    ("a file compressed with gzip", rb"\x1f\x8b\x08"),
    ("a file compressed with bzip2", rb"BZh[1-9]1AY&SY"),
    ("a file compressed with xz", rb"\xfd7zXZ\0"),
    ("a file compressed with Zstandard", rb"\x28\xb5\x2f\xfd"),
    ("a ZIP archive", rb"PK(?:\x03\x04|\x05\x06)"),
    ("a RAR archive", rb"Rar!\x1a\x07"),
    ("a 7z archive", rb"7z\xbc\xaf\x27\x1c"),
    ("a tar archive", rb".{257}ustar"),
    ("an Office document", rb"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"),
    ("a property list", rb"bplist0|\s*<!DOCTYPE plist"),
    ("a program", rb"\x7fELF|MZ.{58}|\xcf\xfa\xed\xfe|\xca\xfe\xba\xbe"),
    ("a database (SQLite)", rb"SQLite format 3\0"),
)  # fmt: skip

# Fewer bytes may be anything.
_LEAST_ZEROS: Final = 64
_LEAST_TEXT: Final = 8


def decoded_format(head: bytes) -> str | None:
    """Return the format if a file that begins so is an image that is decoded here.

    Whether it is sound is another question. ``head`` has up to :data:`HEAD_BYTES` bytes.
    """
    name = _first(_DECODED, head)
    if name is None and (name := _first(_WITH_EXTRA, head)) is not None:
        return name if is_installed(EXTRAS[name][1]) else None
    return name


def other_kind(head: bytes) -> str | None:
    """Say what a file is if it is not an image that can be decoded; None if that is unclear.

    Args:
        head: up to :data:`HEAD_BYTES` bytes from its start.

    Returns:
        For the end of a sentence, such as ``a web page (HTML), not an image``.
    """
    if (name := _first(_WITH_EXTRA, head)) is not None:
        extra = EXTRAS[name][0]
        return f"{name} needs the '{extra}' extra: pip install 'poster-tagger[{extra}]'"
    if (image := _first(_UNSUPPORTED, head)) is not None:
        return f"{image}, a format that is not supported"
    return _no(head, "an image")


def not_a_model(head: bytes) -> str | None:
    """Say what a file is if it is not a model; arguments and result as for :func:`other_kind`."""
    if (name := decoded_format(head)) is not None:
        return f"a {name} image, not a model"
    return _no(head, "a model")


def _no(head: bytes, wanted: str) -> str | None:
    text = head.removeprefix(b"\xef\xbb\xbf")
    if (kind := _first(_NO_IMAGE, text)) is not None:
        return kind if "the file itself" in kind else f"{kind}, not {wanted}"
    if len(head) >= _LEAST_ZEROS and not head.strip(b"\0"):
        return "full of zeros at its start, as a file that was never written completely"
    return f"a text file, not {wanted}" if _is_text(text) else None


def _first(signatures: tuple[tuple[str, bytes], ...], head: bytes) -> str | None:
    return next((name for name, start in signatures if _matches(start, head)), None)


def _matches(start: bytes, head: bytes) -> bool:
    markup = re.IGNORECASE if b"<" in start else 0
    return re.match(start, head, re.DOTALL | markup) is not None


def _is_text(head: bytes) -> bool:
    if len(head) < _LEAST_TEXT:
        return False
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return True
    try:
        text = head.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.start < len(head) - 3 or len(head) < HEAD_BYTES - 3:  # else the cut is ours
            return False
        text = head[: error.start].decode("utf-8")
    return all(sign.isprintable() or sign.isspace() for sign in text)
