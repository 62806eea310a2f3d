"""Do the same as `intro-dl figures`."""

import sys

from intro_dl.cli.commands import main

if __name__ == "__main__":
    sys.exit(main(["figures", *sys.argv[1:]]))
