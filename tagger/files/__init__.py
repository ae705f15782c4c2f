"""Files on disk: what they are, whose they are, and how they are written whole or not at all."""
