"""The name of a file or folder → what it says of a film."""
