"""The scripts of the page share one global scope: what keeps them apart, and free of what nobody uses."""

import re
from collections import Counter

from intro_dl.page.write import WEB, scripts

TEXTS = {path.relative_to(WEB).as_posix(): path.read_text(encoding="utf-8") for path in scripts()}
DECLARED = re.compile(r"^(?:async function|function|class|const|let) +(\w+)", re.MULTILINE)
IN_ONE_LINE = re.compile(r"^(?:const|let) +\w+ = [\w.]+, (.*);", re.MULTILINE)  # const A = 1, B = 2;
NAMES = {
    file: DECLARED.findall(text)
    + [name for rest in IN_ONE_LINE.findall(text) for name in re.findall(r"(\w+) =", rest)]
    for file, text in TEXTS.items()
}


def test_every_top_level_name_exists_once():
    """A second function of the same name would silently replace the first one, in all files."""
    counts = Counter(name for names in NAMES.values() for name in names)
    assert [name for name, count in counts.items() if count > 1] == []
    unpacked = {
        file: re.findall(r"^(?:const|let) *[\[{].*", text, re.MULTILINE) for file, text in TEXTS.items()
    }
    assert {file: found for file, found in unpacked.items() if found} == {}  # names that are not counted here


def test_every_top_level_name_is_used():
    words = Counter(re.findall(r"\w+", "\n".join(without_comments(text) for text in TEXTS.values())))
    assert [name for names in NAMES.values() for name in names if words[name] < 2] == []


def test_every_script_is_strict_and_short_enough_to_read():
    assert [
        file for file, text in TEXTS.items() if not re.search(r'^"use strict";$', text, re.MULTILINE)
    ] == []
    assert {file: text.count("\n") for file, text in TEXTS.items() if text.count("\n") > 300} == {}


def without_comments(text):
    return re.sub(r"/\*.*?\*/|^ *//[^\n]*", "", text, flags=re.DOTALL | re.MULTILINE)
