"""``.nfo`` files as programs and people write them, each with the genres that it names."""

from __future__ import annotations

import codecs
from dataclasses import dataclass

KODI = """\
<?xml version="1.0" encoding="UTF-8" standalone="yes" ?>
<movie>
    <title>Heat</title>
    <originaltitle>Heat</originaltitle>
    <ratings>
        <rating name="themoviedb" max="10" default="true">
            <value>7.9</value>
            <votes>6543</votes>
        </rating>
    </ratings>
    <plot>Cops &amp; robbers, &quot;both&quot; &lt;tired&gt;. L&#8217;A.</plot>
    <runtime>170</runtime>
    <thumb spoof="" cache="" aspect="poster" preview="https://a.example/p?x=1&amp;y=2">https://a.example/o</thumb>
    <fanart>
        <thumb colors="" preview="">https://a.example/f</thumb>
    </fanart>
    <uniqueid type="tmdb" default="true">949</uniqueid>
    <genre>Action</genre>
    <genre>Crime</genre>
    <tag></tag>
    <set>
        <name>None</name>
        <overview></overview>
    </set>
    <actor>
        <name>Al Pacino</name>
        <role>Vincent Hanna</role>
        <order>0</order>
    </actor>
</movie>
"""

JELLYFIN = """\
<?xml version="1.0" encoding="utf-8" standalone="yes"?>
<movie>
  <plot>A thief’s last job.</plot>
  <outline />
  <lockdata>false</lockdata>
  <dateadded>2024-01-31 18:00:00</dateadded>
  <title>Heat</title>
  <year>1995</year>
  <tmdbid>949</tmdbid>
  <genre>Drama</genre>
  <studio>Regency</studio>
  <art>
    <poster>/media/Heat (1995)/folder.jpg</poster>
  </art>
  <fileinfo>
    <streamdetails />
  </fileinfo>
</movie>"""

COMBINATION = """\
<movie>
 <title>Star Wars (99 second cut)</title>
 <genre clear="true">SciFi</genre>
 <genre>Romance</genre>
 <set>Star Wars Saga</set>
</movie>
http://www.imdb.com/title/tt0076759/?ref_=nv&x=
"""

TABS = '<?xml version="1.0"?>\n<movie>\n\t<title>Heat</title>\n\t<year>1995</year>\n</movie>\n'

COMMENTS = """\
<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<!-- created on 2024-01-31 18:00:00 - tinyMediaManager 4.3 -->
<?xml-stylesheet href="movie.xsl"?>
<movie>
  <!-- <genre>Comedy</genre> -->
  <genre>Horror</genre> <!-- mine -->
  <genre><![CDATA[War]]></genre>
  <mediaelch:extra xmlns:mediaelch="urn:m" a='1'  b="2"/>
  <user_note>a
  b</user_note>
</movie>
<!-- the end -->
"""

JOINED = "<movie><title>Heat</title><genre>Action / Sci-Fi / crime</genre></movie>"

EMPTY_GENRES = "<movie>\n  <genre/>\n  <genre></genre>\n  <title>Heat</title>\n</movie>\n"


@dataclass(frozen=True)
class Form:
    """A file as it is found.

    Attributes:
        data: its bytes.
        genres: what its ``<genre>`` elements say.
        tail: what stands behind the XML.
    """

    data: bytes
    genres: tuple[str, ...]
    tail: bytes = b""


def _windows(text: str) -> bytes:
    return text.replace("\n", "\r\n").encode()


#: Every form that takes genres.
FORMS = {
    "Kodi": Form(KODI.encode(), ("Action", "Crime")),
    "Jellyfin": Form(JELLYFIN.encode(), ("Drama",)),
    "Jellyfin on Windows": Form(codecs.BOM_UTF8 + _windows(JELLYFIN), ("Drama",)),
    "combination": Form(
        COMBINATION.encode(),
        ("SciFi", "Romance"),
        b"http://www.imdb.com/title/tt0076759/?ref_=nv&x=",
    ),
    "combination on Windows": Form(
        _windows(COMBINATION),
        ("SciFi", "Romance"),
        b"http://www.imdb.com/title/tt0076759/?ref_=nv&x=",
    ),
    "tabs, no genre": Form(TABS.encode(), ()),
    "comments, CDATA, unknown elements": Form(COMMENTS.encode(), ("Horror", "War")),
    "joined": Form(JOINED.encode(), ("Action / Sci-Fi / crime",)),
    "empty genres": Form(EMPTY_GENRES.encode(), ("", "")),
    "UTF-16 with a mark": Form(
        codecs.BOM_UTF16_LE + KODI.replace("UTF-8", "UTF-16").encode("utf-16-le"),
        ("Action", "Crime"),
    ),
    "UTF-16, big end first": Form(
        codecs.BOM_UTF16_BE + TABS.encode("utf-16-be"),
        (),
    ),
    "Windows-1252": Form(
        '<?xml version="1.0" encoding="windows-1252"?>\r\n<movie>\r\n  <title>Été – “Où?”</title>'
        "\r\n  <genre>Komödie</genre>\r\n</movie>\r\n".encode("cp1252"),
        ("Komödie",),
    ),
    "ISO-8859-1": Form(
        "<?xml version='1.0' encoding='ISO-8859-1'?><movie><title>Été</title></movie>".encode(
            "latin-1"
        ),
        (),
    ),
    "no line break at all": Form(b"<movie><title>Heat</title></movie>", ()),
    "nothing inside": Form(b'<?xml version="1.0"?>\n<movie></movie>\n', ()),
    "nothing inside, in lines": Form(b"<movie>\n</movie>\n", ()),
    "an empty-element tag": Form(b'<?xml version="1.0"?>\n<movie />\n', ()),
    "an empty-element tag alone": Form(b"<movie/>", ()),
    "blanks around all": Form(b"\n\n  <movie>\n\n    <title> Heat </title>\n\n  </movie>\n\n", ()),
    "a namespace of its own": Form(
        b'<movie xmlns="urn:x" xmlns:tagger="urn:y"><genre tagger:z="1">Drama</genre></movie>',
        ("Drama",),
    ),
    "text between elements": Form(b"<movie>Heat<genre>War</genre>1995<year/>!</movie>", ("War",)),
    "old Mac line ends": Form(b"<movie>\r  <genre>War</genre>\r</movie>\r", ("War",)),
    "a DOS end of file": Form(b"<movie>\r\n <year>1995</year>\r\n</movie>\r\n\x1a", (), b"\x1a"),
}
