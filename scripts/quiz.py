"""Do the same as `intro-dl quiz`."""

import sys

from intro_dl.cli.commands import main

if __name__ == "__main__":
    sys.exit(main(["quiz", *sys.argv[1:]]))
