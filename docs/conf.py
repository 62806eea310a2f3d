"""The settings of the site. `python docs/build.py` builds it; nothing is loaded from a network."""

import sys
from importlib.metadata import version as installed_version
from pathlib import Path

DOCS = Path(__file__).parent
sys.path[:0] = [str(DOCS), str(DOCS.parent)]

project = "intro_dl"
copyright = "the intro_dl authors, MIT license"
version = release = installed_version("intro-dl")

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_gallery.gen_gallery",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx.ext.mathjax",
]
# The site has a page of its own for what the first two tables show on GitHub.
exclude_patterns = [
    "_build",
    "templates",
    "sg_execution_times.rst",
    "**/sg_execution_times.rst",
    "notebooks/*.py",
    "notebooks/*.ipynb",
]
exclude_patterns += ["LECTURES.md", "FIGURES.md"]
highlight_language = "none"  # of a block that names no language: commands and what they print

html_theme = "furo"
html_title = f"intro_dl {version}"
html_static_path = ["_static"]
html_css_files = ["katex/katex.min.css", "site.css"]
html_js_files = [("site.js", {"defer": "defer"})]
html_copy_source = False
html_show_sphinx = False

myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 4

# KaTeX in the place of MathJax: half a megabyte that lies in _static, and site.js calls it.
mathjax_path = "katex/katex.min.js"
mathjax_options = {"defer": "defer"}
myst_update_mathjax = False

copybutton_exclude = ".linenos, .gp, .go"
copybutton_prompt_text = r"\$ |>>> "
copybutton_prompt_is_regexp = True

default_role = "code"  # `name` in a docstring
napoleon_use_rtype = False
autodoc_member_order = "bysource"
autodoc_inherit_docstrings = False  # those of Lightning are for its own site
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
# The types of Python and of other packages, whose pages are on a network; type variables; numbers of ranges.
FOREIGN = (
    "abc|collections|typing|types|random|os|annotated_types|markupsafe|matplotlib|networkx|numpy|np|pandas|pd|omegaconf|PIL|pathlib|torch"
    "|pytorch_lightning|Tensor|Figure"
)
nitpick_ignore_regex = [
    ("py:.*", rf"({FOREIGN})\b.*"),
    ("py:.*", r"(intro_dl\..*\.)?(T|Result)|[\d.]+|(list\[)?dict\[str"),
]

sphinx_gallery_conf = {
    "examples_dirs": "_build/scripts",
    "gallery_dirs": "figures",
    "filename_pattern": r"/g\d\d_",
    "within_subsection_order": "FileNameSortKey",
    "image_scrapers": ("figure_pages.save",),
    "reset_modules": ("figure_pages.reset",),
    "reset_modules_order": "before",
    "backreferences_dir": None,
    "show_memory": False,
    "capture_repr": (),
    "parallel": 2,
    "abort_on_example_error": True,
    "thumbnail_size": (480, 300),
    "first_notebook_cell": "# Install the package first: pip install -e .\n%matplotlib inline",
}


def setup(app):
    """Write the pages that come from the code: some before the gallery draws the figures, some after."""
    import figure_pages
    import pages

    figure_pages.write_scripts(DOCS / "_build" / "scripts")
    app.connect("builder-inited", pages.before_the_figures, priority=100)
    app.connect("builder-inited", pages.after_the_figures, priority=900)
    app.connect("source-read", pages.resolve_links)
    app.connect("build-finished", pages.write_page)
    app.connect("autodoc-process-docstring", pages.escape_docstring, priority=100)  # before napoleon
