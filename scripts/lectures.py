"""Check the five lectures slide by slide: what a slide says, the computed value, and whether they agree.

python scripts/lectures.py                  every lecture, one table each
python scripts/lectures.py lecture=004      one lecture: 000, 001, 002, 003 or 004
python scripts/lectures.py id=N18           one claim with its calculation; id=N18,N20 shows both
python scripts/lectures.py format=html      a page for the browser, outputs/lectures.html; also markdown, json
python scripts/lectures.py format=markdown out=docs/LECTURES.md

Exit code: 0 if no claim fails; 1 if a claim fails or an argument is wrong.
"""

import sys

from intro_dl.runs.program import run_script

if __name__ == "__main__":
    sys.exit(run_script(__doc__, "intro_dl.lectures.engine.command:main", sys.argv[1:]))
