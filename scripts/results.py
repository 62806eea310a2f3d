"""Do the same as `intro-dl results`."""

import sys

from intro_dl.cli.commands import main

if __name__ == "__main__":
    sys.exit(main(["results", *sys.argv[1:]]))
