"""Films' ``.nfo`` files, as Kodi, Jellyfin and Emby read them: genres of ours in and out again.

As with XMP, the text is never parsed into a tree and rewritten: it is changed only where genres
and our record stand.
"""
