"""Follow the tutorial in an empty directory, and write what it prints, and its pictures, into its pages.

    python docs/make_tutorial.py               also the first run of the README; ten minutes on two cores
    python docs/make_tutorial.py check=true    write nothing; exit with 1 if a page shows something else

A page has commands in ```bash and programs in ```python; the block ```text after one is what it prints. A
comment `<!-- picture: <file> -->` before a picture names the file it is copied from, and
`<!-- picture: <run> <tag> -->` a picture of TensorBoard. Both may have wildcards, and mean the newest.
"""

import os
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from make_gallery import small
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted((ROOT / "docs" / "tutorial").glob("[0-9]*.md"))
README = ROOT / "README.md"
BEFORE = "the training prints:\n\n```\n"  # the words of the README before the output of its first run
STEP = re.compile(
    r"```(?P<kind>bash|python)\n(?P<code>.*?)\n```\n(?:\n```text\n(?P<shown>.*?)\n```\n)?"
    r"|<!-- picture: (?P<source>\S+)(?: (?P<tag>\S+))? -->\n!\[.*?\]\((?P<target>\S+)\)",
    re.DOTALL,
)
EPOCHS = 8  # a longer table loses its middle, and keeps ENDS rows at the start and at the end
ENDS = 3
LINES = 48  # a longer output loses its middle, too
TIME = re.compile(r"\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d")
NUMBER = re.compile(r"\d+(?:,\d{3})*(?:\.\d+)?(?:e[-+]?\d+)?")
JOB = re.compile(r"#\d+ ")  # the line of a job of a sweep
SAME = 0.05  # numbers of another processor may differ by this fraction, or by this amount below 1


def run(page: Path, folder: Path) -> Iterator[tuple[re.Match, str]]:
    """Take each step of a page in `folder`; yield its match, and what it printed."""
    for step in STEP.finditer(page.read_text(encoding="utf-8")):
        if step["kind"] == "python":
            yield step, printed([sys.executable, "-c", step["code"]], folder)
        elif step["kind"] == "bash":
            commands = [shlex.split(line, comments=True) for line in step["code"].splitlines()]
            yield (
                step,
                "".join(printed(words, folder) for words in commands if words and words[0] == "intro-dl"),
            )
        else:
            yield step, ""


def printed(command: list[str], folder: Path) -> str:
    """Run a command as a user of this environment does, and return its output."""
    environment = os.environ | {"COLUMNS": "100", "PYTHONUNBUFFERED": "1", "PYTHONUTF8": "1"}
    environment.pop("INTRO_DL_DATA", None)  # who starts has no data sets
    if command[0] == "intro-dl":
        command = [str(Path(sys.executable).parent / "intro-dl"), *command[1:]]
    done = subprocess.run(
        command,
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        env=environment,
    )
    if done.returncode:
        raise SystemExit(f"{shlex.join(command)}\n{done.stdout}")
    return done.stdout


def shorten(text: str) -> str:
    """Return an output without progress bars, the middle of long tables, and the dates in names."""
    lines = [line.rstrip() for line in TIME.sub("<time>", text).splitlines() if "steps/s" not in line]
    jobs = sorted(filter(JOB.match, lines), key=lambda line: int(line[1:].split()[0]), reverse=True)
    lines = [jobs.pop() if JOB.match(line) else line for line in lines]  # they end in another order each time
    short: list[str] = []
    for table, rows in _tables(lines):
        long = table and len(rows) > EPOCHS
        short += [*rows[:ENDS], "     ...", *rows[-ENDS:]] if long else rows
    if len(short) > LINES:
        short = [*short[: LINES // 2], "...", *short[1 - LINES // 2 :]]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(short)).strip("\n")


def _tables(lines: list[str]) -> Iterator[tuple[bool, list[str]]]:
    """Yield the lines in groups: a table of epochs, or others."""
    rows: list[str] = []
    inside = False
    for line in lines:
        epoch = bool(re.match(r" +\d+/\d+ ", line))
        if epoch != inside:
            yield inside, rows
            rows, inside = [], epoch
        rows.append(line)
    yield inside, rows


def timeless(text: str) -> str:
    """Return an output with <s> for seconds: those of the columns of tables, and those of runs."""
    lines, end = [], 0  # where a column of seconds ends
    for line in text.splitlines():
        if heading := re.search(r"  seconds(?=  |$)", line):
            end = heading.end()
        elif not line.strip():
            end = 0
        row = re.match(
            r"( +\d+/\d+ .*?) +[\d.]+$", line
        )  # of a table of epochs; it may be wider than its heading
        cell = re.search(r" +\d[\d.]*$", line[:end])
        if row:
            line = f"{row[1].ljust(end - 3)}<s>"
        elif cell:
            line = f"{line[: cell.start()].ljust(end - 3)}<s>{line[end:]}"
        line = re.sub(r", \d+ at a time$", ", <n> at a time", line)  # as many as there are cores
        lines.append(re.sub(r"^(seconds +|#\d+ .*  )[\d.]+(?= s$| on )", r"\1<s>", line))
    return "\n".join(lines)


def differences(shown: str, now: str) -> list[str]:
    """Return the lines of an output that say something else than the page."""
    before, after = shown.splitlines(), now.splitlines()
    if len(before) != len(after):
        return [f"{len(before)} lines are shown, and {len(after)} printed:", now]
    pairs = zip(before, after, strict=True)
    return [f"shown    {old}\nprinted  {new}" for old, new in pairs if not _same(old, new)]


def _same(old: str, new: str) -> bool:
    words = [re.sub("─+", "─", NUMBER.sub("0", line)).split() for line in (old, new)]
    if words[0] != words[1]:
        return False
    pairs = zip(NUMBER.findall(old), NUMBER.findall(new), strict=True)
    numbers = [(float(a.replace(",", "")), float(b.replace(",", ""))) for a, b in pairs]
    return all(abs(a - b) <= SAME * max(1, abs(a)) for a, b in numbers)


def picture(step: re.Match, folder: Path) -> bytes:
    """Return the picture that a page names."""
    found = sorted(folder.glob(step["source"]), key=lambda path: path.stat().st_mtime_ns)
    if not found:
        raise SystemExit(f"There is no {step['source']} after the commands before it.")
    if not step["tag"]:
        return small(found[-1].read_bytes())
    events = EventAccumulator(str(found[-1]), size_guidance={"images": 0}).Reload()
    return small(events.Images(step["tag"])[-1].encoded_image_string)


def main(check: bool) -> int:
    wrong = 0
    first_run = ""
    with tempfile.TemporaryDirectory() as name:
        for page in PAGES:
            print(page.name, flush=True)
            text = page.read_text(encoding="utf-8")
            pieces, end = [], 0
            for step, output in run(page, Path(name)):
                if step["target"]:
                    drawn = picture(step, Path(name))
                    if not check:
                        (page.parent / step["target"]).write_bytes(drawn)
                if step["shown"] is None:
                    continue
                first_run = first_run or shorten(output)
                now = shorten(timeless(output))
                if check and (lines := differences(step["shown"], now)):
                    print(step["code"], *lines, sep="\n", flush=True)
                    wrong += 1
                pieces += [text[end : step.start("shown")], now]
                end = step.end("shown")
            if not check:
                page.write_text("".join([*pieces, text[end:]]), encoding="utf-8")
    before, marker, rest = README.read_text(encoding="utf-8").partition(BEFORE)
    shown, fence, after = rest.partition("\n```")
    if check:
        wrong += bool(differences(timeless(shown), timeless(first_run)))
    else:
        README.write_text(before + marker + first_run + fence + after, encoding="utf-8")
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main(check="check=true" in sys.argv[1:]))
