"""Tables that ``tagger tag`` wrote → results, row by row."""
