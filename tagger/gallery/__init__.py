"""A table → a page that shows its images with their tags, to be looked through and corrected."""
