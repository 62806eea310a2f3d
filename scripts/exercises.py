"""Do the same as `intro-dl exercises`."""

import sys

from intro_dl.cli.commands import main

if __name__ == "__main__":
    sys.exit(main(["exercises", *sys.argv[1:]]))
