"""Results to rows and back: one file per format, layouts, and tables that a person edited."""
