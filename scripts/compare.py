"""Do the same as `intro-dl compare`."""

import sys

from intro_dl.cli.commands import main

if __name__ == "__main__":
    sys.exit(main(["compare", *sys.argv[1:]]))
