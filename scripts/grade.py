"""Do the same as `intro-dl grade`."""

import sys

from intro_dl.cli.commands import main

if __name__ == "__main__":
    sys.exit(main(["grade", *sys.argv[1:]]))
