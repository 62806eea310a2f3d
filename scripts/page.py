"""Do the same as `intro-dl page`."""

import sys

from intro_dl.cli.commands import main

if __name__ == "__main__":
    sys.exit(main(["page", *sys.argv[1:]]))
