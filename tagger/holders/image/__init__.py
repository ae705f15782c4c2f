"""Tags inside image files: XMP and IPTC keywords in, and out again, without touching a pixel.

Files are spliced, not rewritten: a library that decodes or rebuilds them would change more than
was asked for. Each format's module says which bytes of a file are metadata, which are the rest, and
what the file is with other metadata; the rest is copied and compared before the new file takes the
old one's place.
"""
