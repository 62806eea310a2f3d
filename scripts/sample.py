"""Do the same as `intro-dl sample`."""

import sys

from intro_dl.cli.commands import main

if __name__ == "__main__":
    sys.exit(main(["sample", *sys.argv[1:]]))
