"""``python -m tagger`` is the command ``tagger``."""

from tagger.cli import main

if __name__ == "__main__":
    main()
