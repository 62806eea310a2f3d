"""Do the same as `intro-dl predict`."""

import sys

from intro_dl.cli.commands import main

if __name__ == "__main__":
    sys.exit(main(["predict", *sys.argv[1:]]))
