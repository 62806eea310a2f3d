"""Do the same as `intro-dl export`."""

import sys

from intro_dl.cli.commands import main

if __name__ == "__main__":
    sys.exit(main(["export", *sys.argv[1:]]))
