"""Each option, declared once with its default; a file per group."""
