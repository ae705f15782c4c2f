"""Words in the names of films' files and folders that belong to no title.

They are those that Kodi, Jellyfin, Plex and Radarr write, releases bear, and cameras, phones, sites
and operating systems call files; all in lower case.
"""

from __future__ import annotations

import re

from tagger.holders.posters import FOLDER_POSTERS


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


#: What artwork is called: a name of nothing else is that of the folder's film.
ARTWORK = frozenset(FOLDER_POSTERS) | _words(
    "art artwork backdrop background banner characterart clearart clearlogo covers disc discart "
    "fanart film front keyart landscape logo posters season show specials thumb thumbnail"
)

#: What may stand beside it.
BESIDE_ARTWORK = _words(
    "all alt alternate alternative back bluray box dvd final full hd hq image international large "
    "main medium new official original sheet size small teaser textless theatrical tv uk us v ver "
    "version x xl xlg xxlg"
)

#: Languages as two letters; those that are words of titles (it, no, is, so) are missing.
LANGUAGE_CODES = _words("ar cs da de el en es fi fr he hi hu ja ko nl pl pt ro ru sv th tr uk zh")

#: What the name of artwork begins with.
KINDS_OF_ARTWORK = ARTWORK | BESIDE_ARTWORK - _words(
    "all back box dvd final hd image new size tv uk us v x"
)

#: What files are called that nobody has named.
NAMELESS = _words(
    "asset bild bilder bildschirmfoto captura capture cimg clipboard dcim dessin dji download "
    "downloads drawing dsc dscf dscn file foto fotos frame gopr hpim hqdefault imag image imagem "
    "imagen images imagine imdb img imgp immagine maxresdefault mg mqdefault mvimg new noname "
    "original out output page pexels photo photos pic pics pict picture pictures pixabay preview "
    "pxl result sample scan schermafbeelding screen screenshot screenshots sddefault shot "
    "snapshot temp test tmdb tmp unbenannt unnamed unsplash untitled vlcsnap wallpaper whatsapp "
    "zeichnung изображение снимок фото экрана スクリーンショット 图像 图片 屏幕截图 截屏 未命名 "
    "스크린샷"
)

#: What stands in such names too, or in names of numbers.
AMONG_NAMELESS = _words(
    "a aa ab am at au b burst c chrome copy d de e ecran edit edited f fb final from gh gp gx h "
    "hdr ii img jpeg jpg kopie le lrm m mg mov mp mp4 n night no nr of on p pantalla phone pm png "
    "portrait received s sam sdc signal snapchat t um und v vid video w wa win wp x y z à écran 年 "
    "日 月"
)

#: Folders of films of a genre; a film is called so too, and then its year tells.
GENRES = _words(
    "action adventure animation anime children classics comedy crime documentaries documentary "
    "drama family fantasy foreign history horror kids music musical mystery romance sci-fi scifi "
    "short shorts sport sports thriller war western westerns"
)
#: Folders of many films, or of anything.
MANY = _words(
    "4k all archive assets backup bollywood cache camera cartoons cinema collection collections "
    "complete content data database dataset datasets dcim default desktop docs documents done "
    "download downloads dvd dvds eigene-bilder eigene-dateien export favorites favourites file "
    "files film filme filmes films finished hd import inbox incoming input items kino libraries "
    "library list media movie movies my-documents my-pictures nas netflix neuer-ordner new "
    "new-folder nouveau-dossier nova-pasta nueva-carpeta nuova-cartella other others out output "
    "peliculas pelis películas phone plex project projects public recent resources result results "
    "root sd serie serien series set shared shows sort sorted src static storage store stuff "
    "séries tags temp test tests tmp torrents train training tv tv-series tv-shows tvshows uhd "
    "unsorted untitled-folder upload uploads user users val valid validation video videos volumes "
    "watched web work кино новая-папка сериалы фильмы 新建文件夹 映画 电影 영화"
)

#: Folders of pictures: of anything, unless a film's folder with its year lies around them.
PICTURES = NAMELESS | _words(
    "affiches album albums cover cover-art covers film-posters filmplakate full gallery jpeg jpg "
    "large medium movie-posters original originals plakate png poster posters small thumb "
    "thumbnail thumbnails thumbs wallpapers webp"
)

#: Folders inside a film's or a show's.
INSIDE = re.compile(
    r"(?:season|series|staffel|saison|temporada|stagione|sezon|сезон)[ ._-]*[0-9]{1,4}"
    r"(?:[ ._-]*\([0-9]{4}\))?|s[0-9]{1,2}|specials|(?:cd|dvd|dis[ck])[ ._-]?[0-9]{1,2}|video_ts|"
    r"bdmv|extras|featurettes|extrafanart|extrathumbs|artworks?|fanarts?|backdrops|banners|"
    r"behind[ ._-]the[ ._-]scenes|deleted[ ._-]scenes|interviews|making[ ._-]of|trailers|samples?|"
    r"scans|subs|\.actors|metadata|@?eadir",
    re.IGNORECASE,
)

_EDITION = (
    r"(?:the[ ._])?(?:director'?s|directors|extended|theatrical|unrated|uncut|ultimate|special|"
    r"collector'?s|collectors|final|anniversary|remastered|criterion|producer'?s|original|"
    r"international|despecialized|deluxe|limited|imax|unrated[ ._]director'?s|open[ ._]matte)"
    r"(?:[ ._-](?:cut|edition|version|release|collection))"
)
#: An edition as it ends a name.
EDITION = re.compile(rf"(?<![ ._-])[ ._-]++(?:[0-9]+th[ ._])?{_EDITION}\Z", re.IGNORECASE)

_TECHNICAL = (
    r"(?:bluray-|webdl-|webrip-|hdtv-|dvd-)?(?:480|540|576|720|900|1080|1440|2160|4320)[pi]"
    r"(?:[0-9]{2})?|4k|8k|uhd|blu-?ray|bd-?rip|br-?rip|bd-?remux|remux|bd(?:25|50)|web-?rip|"
    r"web-?dl|web-?hd|"
    r"[hp]dtv|hd-?rip|hd-?cam|hd-?ts|dvd-?(?:rip|scr|r|5|9)|dvdscreener|ppv-?rip|tv-?rip|sat-?rip|"
    r"vhs-?rip|telesync|telecine|screener|r5|[xh][ .]?26[456]|hevc|xvid|divx|av1|vp9|aac(?:[257]"
    r"[ .][01])?|e?ac-?3|dts(?:-?(?:hd|x|es|ma))?|truehd|ddp?a?[257][ .][01]|atmos|flac|"
    r"(?:8|10|12)-?bits?|hdr(?:10)?(?:\+|plus)?|amzn|dsnp|hmax"
)
#: What no title holds: everything behind it is about the file.
TECHNICAL = re.compile(rf"(?<![^\W_])(?:{_TECHNICAL})(?![^\W_])", re.IGNORECASE)

#: What is no part of a title where it stands before what is technical.
BEFORE_TECHNICAL = _words(
    "3d atvp bd bdrip bluray cam colorized custom dl dual dub dubbed dv dvd dvdr eng english "
    "extended fhd fre french ger german hd hdr hindi hq hsbs hybrid imax internal ita italian "
    "japanese kor korean latino limited ml multi nf nordic ntsc omu pal polish portuguese proper "
    "qhd rarbg remaster remastered repack rerip restored retail rip rus russian sbs sd ser spa "
    "spanish subbed subs subtitled swedish swesub tc theatrical ts uhd uncensored uncut unrated "
    "untouched vf vff vhs vostfr yify yts"
)

#: What is no part of a title where it stands alone in brackets.
ABOUT_THE_FILE = (
    BEFORE_TECHNICAL
    | LANGUAGE_CODES
    | _words(
        "5.1 7.1 aac ac3 back blu br collection collector's complete cover criterion cropped cut "
        "dc deutsch digital director's directors dts dubbing dvd5 dvd9 edition final front fsk "
        "full hevc hi-res highres official original ov poster ray real remux scan sub textless uk "
        "uncropped us usa version vo web x264 x265"
    )
)

#: What stands between a film's year and that of its restoration.
RESTORED = re.compile(r"(?<![^\W_])(?:re-?(?:stored|mastered|storation)|remaster)", re.IGNORECASE)

ARTICLES = _words("the a an der die das la le les el los las il lo gli")
