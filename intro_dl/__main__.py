"""Run a command: `python -m intro_dl train model=lenet`."""

import sys

from intro_dl.cli.commands import main

if __name__ == "__main__":
    sys.exit(main())
