"""Do the same as `intro-dl lectures`."""

import sys

from intro_dl.cli.commands import main

if __name__ == "__main__":
    sys.exit(main(["lectures", *sys.argv[1:]]))
