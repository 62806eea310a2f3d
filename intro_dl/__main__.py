"""Say what to type: `python -m intro_dl`."""

import sys

from intro_dl.cli.what_to_type import what_to_type

if __name__ == "__main__":
    asked = {"-h", "--help"} & set(sys.argv)
    print(what_to_type(), file=sys.stdout if asked else sys.stderr)
    sys.exit(0 if asked else 1)
