"""What holds tags: sidecars of every kind, films' .nfo files, and images themselves."""
