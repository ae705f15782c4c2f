"""Why an image has a tag: which parts of it speak for the tag, as numbers and as a picture."""
