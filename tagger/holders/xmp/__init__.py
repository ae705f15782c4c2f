"""XMP packets: keywords of ours in, keywords of ours out, all else stays to the byte.

The text is never parsed into a tree and rewritten: that would lose line breaks inside tags,
kinds of quotes and entities of whatever other programs and people wrote. It is parsed for where
things lie, and is changed only there.
"""
