"""Build the site: `python docs/build.py`, then open docs/_build/html/index.html.

The first build computes all claims and draws all figures. Later ones compute the claims if the code
has changed, and draw the figures whose script has changed. For a fresh build, remove docs/_build and
docs/figures.
"""

import os
import sys
from pathlib import Path

DOCS = Path(__file__).parent

if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # the claims and the figures run side by side
    from sphinx.cmd.build import main

    site = DOCS / "_build" / "html"
    code = main(["-n", "-W", "--keep-going", "-q", str(DOCS), str(site), *sys.argv[1:]])
    if code == 0:
        print(f"Open {site / 'index.html'}. For the search: python -m http.server -d {site}")
    sys.exit(code)
