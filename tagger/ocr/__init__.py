"""The words in a picture: lines of text are found, then read, by two networks of PP-OCRv4."""
