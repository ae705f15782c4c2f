"""Sidecars as other programs and people write them.

Their layout is that of the programs: indentation, line breaks between attributes, quotes.
"""

from __future__ import annotations

RDF_NS = 'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"'
DC_NS = 'xmlns:dc="http://purl.org/dc/elements/1.1/"'

DARKTABLE = """\
<?xml version="1.0" encoding="UTF-8"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="XMP Core 4.4.0-Exiv2">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about=""
    xmlns:exif="http://ns.adobe.com/exif/1.0/"
    xmlns:xmp="http://ns.adobe.com/xap/1.0/"
    xmlns:xmpMM="http://ns.adobe.com/xap/1.0/mm/"
    xmlns:darktable="http://darktable.sf.net/"
    xmlns:dc="http://purl.org/dc/elements/1.1/"
    xmlns:lr="http://ns.adobe.com/lightroom/1.0/"
   exif:DateTimeOriginal="2019:08:03 11:11:21.000"
   xmp:Rating="3"
   xmpMM:DerivedFrom="a.png"
   darktable:import_timestamp="63801234567890123"
   darktable:xmp_version="5"
   darktable:raw_params="0"
   darktable:auto_presets_applied="1"
   darktable:history_end="2">
   <darktable:masks_history>
    <rdf:Seq/>
   </darktable:masks_history>
   <darktable:history>
    <rdf:Seq>
     <rdf:li
      darktable:num="0"
      darktable:operation="exposure"
      darktable:enabled="1"
      darktable:modversion="6"
      darktable:params="0000000000000000000048420000803f"
      darktable:multi_name=""
      darktable:blendop_params="gz14eJxjYGBgkGAAgRNODESDBnsIHll8ANNSGQM="/>
     <rdf:li
      darktable:num="1"
      darktable:operation="crop"
      darktable:enabled="1"
      darktable:params="cdcc4c3ecdcc4c3e"/>
    </rdf:Seq>
   </darktable:history>
   <dc:subject>
    <rdf:Seq>
     <rdf:li>holiday</rdf:li>
     <rdf:li>red</rdf:li>
    </rdf:Seq>
   </dc:subject>
   <lr:hierarchicalSubject>
    <rdf:Seq>
     <rdf:li>places|Rome</rdf:li>
     <rdf:li>red</rdf:li>
    </rdf:Seq>
   </lr:hierarchicalSubject>
   <dc:title>
    <rdf:Alt>
     <rdf:li xml:lang="x-default">R&amp;B &lt;live&gt;</rdf:li>
    </rdf:Alt>
   </dc:title>
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
"""

DARKTABLE_WITHOUT_TAGS = DARKTABLE[: DARKTABLE.index("   <dc:subject>")] + (
    "  </rdf:Description>\n </rdf:RDF>\n</x:xmpmeta>\n"
)

DIGIKAM = """\
<?xml version="1.0" encoding="UTF-8"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="XMP Core 4.4.0-Exiv2">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about=""
    xmlns:digiKam="http://www.digikam.org/ns/1.0/"
    xmlns:tiff="http://ns.adobe.com/tiff/1.0/"
    xmlns:xmp="http://ns.adobe.com/xap/1.0/"
    xmlns:MicrosoftPhoto="http://ns.microsoft.com/photo/1.0/"
    xmlns:mwg-rs="http://www.metadataworkinggroup.com/schemas/regions/"
    xmlns:stArea="http://ns.adobe.com/xmp/sType/Area#"
    xmlns:lr="http://ns.adobe.com/lightroom/1.0/"
    xmlns:mediapro="http://ns.iview-multimedia.com/mediapro/1.0/"
    xmlns:dc="http://purl.org/dc/elements/1.1/"
   digiKam:ColorLabel="0"
   digiKam:PickLabel="2"
   tiff:Software="digiKam-7.9.0"
   xmp:CreatorTool="digiKam-7.9.0"
   xmp:Rating="4">
   <digiKam:TagsList>
    <rdf:Seq>
     <rdf:li>People/Anna</rdf:li>
     <rdf:li>places/Rome</rdf:li>
    </rdf:Seq>
   </digiKam:TagsList>
   <MicrosoftPhoto:LastKeywordXMP>
    <rdf:Bag>
     <rdf:li>People/Anna</rdf:li>
     <rdf:li>places/Rome</rdf:li>
    </rdf:Bag>
   </MicrosoftPhoto:LastKeywordXMP>
   <mwg-rs:Regions
    rdf:parseType="Resource">
    <mwg-rs:RegionList>
     <rdf:Bag>
      <rdf:li>
       <rdf:Description
        mwg-rs:Name="Anna"
        mwg-rs:Type="Face">
       <mwg-rs:Area
        stArea:x="0.53"
        stArea:y="0.31"
        stArea:w="0.12"
        stArea:h="0.2"
        stArea:unit="normalized"/>
       </rdf:Description>
      </rdf:li>
     </rdf:Bag>
    </mwg-rs:RegionList>
   </mwg-rs:Regions>
   <lr:hierarchicalSubject>
    <rdf:Bag>
     <rdf:li>People|Anna</rdf:li>
     <rdf:li>places|Rome</rdf:li>
    </rdf:Bag>
   </lr:hierarchicalSubject>
   <mediapro:CatalogSets>
    <rdf:Bag>
     <rdf:li>People|Anna</rdf:li>
     <rdf:li>places|Rome</rdf:li>
    </rdf:Bag>
   </mediapro:CatalogSets>
   <dc:subject>
    <rdf:Bag>
     <rdf:li>Anna</rdf:li>
     <rdf:li>Rome</rdf:li>
    </rdf:Bag>
   </dc:subject>
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
"""

LIGHTROOM = """\
<x:xmpmeta xmlns:x="adobe:ns:meta/" \
x:xmptk="Adobe XMP Core 7.0-c000 1.000000, 0000/00/00-00:00:00        ">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about=""
    xmlns:xmp="http://ns.adobe.com/xap/1.0/"
    xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/"
    xmlns:xmpMM="http://ns.adobe.com/xap/1.0/mm/"
    xmlns:stEvt="http://ns.adobe.com/xap/1.0/sType/ResourceEvent#"
    xmlns:dc="http://purl.org/dc/elements/1.1/"
    xmlns:lr="http://ns.adobe.com/lightroom/1.0/"
    xmlns:crs="http://ns.adobe.com/camera-raw-settings/1.0/"
   xmp:CreatorTool="Adobe Photoshop Lightroom Classic 12.3 (Macintosh)"
   xmp:Rating="5"
   xmp:Label="Rot"
   photoshop:SidecarForExtension="NEF"
   xmpMM:DocumentID="xmp.did:0f3b6cb1-1a2b-4f4e-9b8a-0d1c2e3f4a5b"
   crs:Version="15.3"
   crs:Exposure2012="+0.35"
   crs:ToneCurveName2012="Linear"
   crs:AlreadyApplied="False">
   <xmpMM:History>
    <rdf:Seq>
     <rdf:li
      stEvt:action="saved"
      stEvt:instanceID="xmp.iid:0f3b6cb1-1a2b-4f4e-9b8a-0d1c2e3f4a5b"
      stEvt:when="2023-05-01T10:11:12+02:00"
      stEvt:softwareAgent="Adobe Photoshop Lightroom Classic 12.3 (Macintosh)"
      stEvt:changed="/metadata"/>
    </rdf:Seq>
   </xmpMM:History>
   <dc:subject>
    <rdf:Bag>
     <rdf:li>Travel</rdf:li>
     <rdf:li>Italy</rdf:li>
    </rdf:Bag>
   </dc:subject>
   <lr:hierarchicalSubject>
    <rdf:Bag>
     <rdf:li>Travel|Italy</rdf:li>
    </rdf:Bag>
   </lr:hierarchicalSubject>
   <crs:ToneCurvePV2012>
    <rdf:Seq>
     <rdf:li>0, 0</rdf:li>
     <rdf:li>255, 255</rdf:li>
    </rdf:Seq>
   </crs:ToneCurvePV2012>
   <crs:Look>
    <rdf:Description
     crs:Name="Adobe Color"
     crs:Amount="1">
    <crs:Parameters>
     <rdf:Description
      crs:Version="15.3"
      crs:LookTable="E1095149FDB39D7A057BAB208837E2E1"/>
    </crs:Parameters>
    </rdf:Description>
   </crs:Look>
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
"""

# Photoshop of old: a padded packet, and xapmeta; hierarchies in another description.
_OLD_PHOTOSHOP_HEAD = """\
<?xpacket begin='\ufeff' id='W5M0MpCehiHzreSzNTczkc9d'?>
<?adobe-xap-filters esc="CR"?>
<x:xapmeta xmlns:x='adobe:ns:meta/' x:xaptk='XMP toolkit 2.8.2-33, framework 1.5'>
<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#' \
xmlns:iX='http://ns.adobe.com/iX/1.0/'>

 <rdf:Description rdf:about='uuid:9d8b9f4e-74f6-11d9-8f0a-b3f3f4f2a9c1'
  xmlns:photoshop='http://ns.adobe.com/photoshop/1.0/'>
  <photoshop:CaptionWriter>someone</photoshop:CaptionWriter>
 </rdf:Description>

 <rdf:Description rdf:about='uuid:9d8b9f4e-74f6-11d9-8f0a-b3f3f4f2a9c1'
  xmlns:dc='http://purl.org/dc/elements/1.1/'>
  <dc:subject>
   <rdf:Bag>
    <rdf:li>scan</rdf:li>
   </rdf:Bag>
  </dc:subject>
 </rdf:Description>

</rdf:RDF>
</x:xapmeta>
"""
OLD_PHOTOSHOP = _OLD_PHOTOSHOP_HEAD + (" " * 100 + "\n") * 20 + "<?xpacket end='w'?>"

BY_HAND = """\
<?xml version="1.0" encoding="UTF-8"?>
<x:xmpmeta xmlns:x='adobe:ns:meta/'>
  <!-- my own, do not touch -->
  <r:RDF xmlns:r='http://www.w3.org/1999/02/22-rdf-syntax-ns#'>
    <r:Description r:about=''  xmlns:d='http://purl.org/dc/elements/1.1/' >
      <d:subject><!-- two of them -->
        <r:Alt>
          <r:li xml:lang='en'>sea</r:li><r:li xml:lang='it'>mare</r:li>
        </r:Alt>
      </d:subject>
      <d:rights>
        <r:Alt><r:li xml:lang='x-default'><![CDATA[<mine> & yours]]></r:li></r:Alt>
      </d:rights>
      <?my-tool keep this?>
    </r:Description>
    <!-- the end -->
  </r:RDF>
</x:xmpmeta>
"""

# Sound XML and RDF, which neither exiftool nor exiv2 makes sense of.
BY_HAND_WITHOUT_PREFIXES = """\
<?xml version='1.0'?>
<!-- my own, do not touch -->
<xmpmeta xmlns='adobe:ns:meta/'>
  <RDF xmlns='http://www.w3.org/1999/02/22-rdf-syntax-ns#'
       xmlns:r='http://www.w3.org/1999/02/22-rdf-syntax-ns#'>
    <Description r:about=''  xmlns:d='http://purl.org/dc/elements/1.1/' >
      <d:subject><!-- two of them -->
        <Alt>
          <li xml:lang='en'>sea</li><li xml:lang='it'>mare</li>
        </Alt>
      </d:subject>
      <d:rights xml:lang='en'><![CDATA[<mine> & yours]]></d:rights>
      <?my-tool keep this?>
    </Description>
  </RDF>
</xmpmeta>
"""

ODD_NAMESPACES = """\
<x:xmpmeta xmlns:x="adobe:ns:meta/">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:lr="urn:other:lr/" \
xmlns:tagger="urn:other:tagger/" xmlns:kw="http://purl.org/dc/elements/1.1/">
  <rdf:Description rdf:about="" lr:what="is this" tagger:record="not yours">
   <tagger:tags><rdf:Bag><rdf:li>not yours either</rdf:li></rdf:Bag></tagger:tags>
   <kw:subject>
\t<rdf:Bag>
\t\t<rdf:li rdf:parseType="Resource"><rdf:value>qualified</rdf:value><lr:by>me</lr:by></rdf:li>
\t\t<rdf:li><rdf:Description rdf:value="also" lr:by="me"/></rdf:li>
\t\t<rdf:li rdf:value="short" lr:by="me"/>
\t\t<rdf:_4>numbered</rdf:_4>
\t</rdf:Bag>
   </kw:subject>
   <lr:literal rdf:parseType="Literal">some <lr:b>markup</lr:b> here</lr:literal>
   <lr:thing rdf:resource="http://example.com/?a=1&amp;b=2"/>
   <lr:quotes a='say "hi"'>&#233;&#x1F3AC;&quot;&apos;&gt;</lr:quotes>
  </rdf:Description>
  <rdf:Description rdf:about=""/>
 </rdf:RDF>
</x:xmpmeta>
"""

MINIFIED = (
    f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF {RDF_NS}><rdf:Description rdf:about="" {DC_NS} '
    'xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:Rating="2"><dc:subject><rdf:Bag/></dc:subject>'
    "<dc:creator><rdf:Seq><rdf:li>me</rdf:li></rdf:Seq></dc:creator></rdf:Description></rdf:RDF>"
    "</x:xmpmeta>"
)

EMPTY = f'<x:xmpmeta xmlns:x="adobe:ns:meta/">\n  <rdf:RDF {RDF_NS}/>\n</x:xmpmeta>\n'

ATTRIBUTE = f"""\
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF {RDF_NS}>
 <rdf:Description rdf:about="" {DC_NS} xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:Rating="1"
   dc:subject="noir &amp; &quot;blanc&quot;"/>
</rdf:RDF></x:xmpmeta>
"""

BARE_ELEMENT = f"""\
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF {RDF_NS}>
 <rdf:Description rdf:about="" {DC_NS}>
  <dc:subject> noir &amp; blanc </dc:subject>
  <dc:format>image/png</dc:format>
 </rdf:Description>
</rdf:RDF></x:xmpmeta>
"""

PIXELMATOR = f"""\
<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="XMP Core 5.4.0">
   <rdf:RDF {RDF_NS}>
      <rdf:Description rdf:about=""
            xmlns:xmp="http://ns.adobe.com/xap/1.0/"
            {DC_NS}
            xmlns:digiKam="http://www.digikam.org/ns/1.0/">
         <xmp:CreatorTool>Pixelmator 3.6</xmp:CreatorTool>
         <dc:subject>
            <rdf:Bag />
         </dc:subject>
         <digiKam:TagsList/>
      </rdf:Description>
   </rdf:RDF>
</x:xmpmeta>
"""

LATIN = """\
<?xml version="1.0" encoding="ISO-8859-1"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/">
<dc:subject><rdf:Bag><rdf:li>été</rdf:li></rdf:Bag></dc:subject>
</rdf:Description></rdf:RDF></x:xmpmeta>
"""

#: Name → content, of those whose fields are lists or missing: in them nothing is taken away.
LISTS: dict[str, bytes] = {
    "darktable": DARKTABLE.encode(),
    "darktable without tags": DARKTABLE_WITHOUT_TAGS.encode(),
    "digiKam": DIGIKAM.encode(),
    "Lightroom": LIGHTROOM.encode(),
    "Lightroom with a byte order mark and CR LF": (
        b"\xef\xbb\xbf" + LIGHTROOM.replace("\n", "\r\n").encode()
    ),
    "Photoshop of old": OLD_PHOTOSHOP.encode(),
    "by hand": BY_HAND.encode(),
    "by hand without prefixes": BY_HAND_WITHOUT_PREFIXES.encode(),
    "odd namespaces": ODD_NAMESPACES.encode(),
    "Pixelmator, nothing in its lists": PIXELMATOR.encode(),
    "minified": MINIFIED.encode(),
    "empty": EMPTY.encode(),
    "UTF-16 little-endian": b"\xff\xfe" + DIGIKAM.replace("UTF-8", "UTF-16").encode("utf-16-le"),
    "UTF-16 big-endian": (
        b"\xfe\xff" + ('<?xml version="1.0" encoding="UTF-16"?>\n' + LIGHTROOM).encode("utf-16-be")
    ),
    "Latin-1": LATIN.encode("latin-1"),
}

#: Name → content, of those whose dc:subject is a bare text.
TEXTS: dict[str, bytes] = {
    "attribute": ATTRIBUTE.encode(),
    "bare element": BARE_ELEMENT.encode(),
}
