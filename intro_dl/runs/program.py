"""Run a program: its streams, its signals, its exit code, and every error in one sentence.

Imports little, so that Ctrl-C has its answer while everything else is imported.
"""

import codecs
import json
import os
import re
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType

from intro_dl.runs import signals
from intro_dl.runs.rank import is_worker
from intro_dl.runs.signals import Terminated, exit_code, on_sigterm, terminate

FULL_ERROR = "INTRO_DL_FULL_ERROR"  # the user's value of HYDRA_FULL_ERROR, which cli/app.py changes
PLAIN = {"•": "*", "·": "*", "±": "+-", "−": "-", "–": "-", "—": "-", "…": "...", "×": "x", "→": "->"}
PLAIN |= {"≈": "~", "≤": "<=", "≥": ">=", "⋅": "*", "²": "^2", "‘": "'", "’": "'", "“": '"', "”": '"'}
DIRECTIONS = range(0x202A, 0x202F), range(0x2066, 0x206A)  # characters that reverse the text after them
NO_MEMORY = "out of memory", "not enough memory", "can't allocate memory"  # RuntimeErrors of torch


def run_script(
    doc: str | None, command: Callable[[Sequence[str]], int] | str, arguments: Sequence[str]
) -> int:
    """Run the command of a script and return its exit code.

    Args:
        doc: printed for --help, see `as_typed`; None if the command answers it.
        command: called with the arguments, or where it is, e.g. "intro_dl.inference.export:main", which is
            then imported here, so that Ctrl-C has its answer while torch is imported.
        arguments: the command line.
    """

    def work() -> int:
        if doc is not None and {"-h", "--help"} & set(arguments):
            print(as_typed(doc.strip()))
            return 0
        if "--version" in arguments:
            from importlib.metadata import version

            print(f"intro_dl {version('intro-dl')} in {Path(__file__).resolve().parents[1]}")
            return 0
        if callable(command):
            return command(arguments)
        from pkgutil import resolve_name

        return resolve_name(command)(arguments)

    def tell_here(text: str) -> None:
        if not is_worker() or text.startswith("Error: "):  # the launcher says why it has ended its workers
            tell(text)

    return run_program(work, tell=tell_here)


def typed_command(name: str) -> str:
    """Return one of our commands as the user types it: as this program was started, or `intro-dl <name>`."""
    start = Path((sys.argv[:1] or [""])[0] or "intro-dl")
    if start.name == "__main__.py" and start.parent.name == "intro_dl":
        return f"python -m intro_dl {name}"
    script = start.with_name(f"{name}.py")
    if start.suffix == ".py" and script.is_file() and (start.parent / ".." / "intro_dl").is_dir():
        from intro_dl.runs.files import typed

        return f"python {typed(script.as_posix())}"
    return f"intro-dl {name}"


def pip_install(extra: str) -> str:
    """Return the command that installs an extra, also where there is no checkout."""
    from importlib.metadata import PackageNotFoundError, requires

    try:
        needs = [re.fullmatch(rf"(.*?) *; extra == .{extra}.", each) for each in requires("intro-dl") or []]
    except PackageNotFoundError:  # a copy of the directory that was not installed
        return f'pip install -e ".[{extra}]"'
    return " ".join(["pip install", *(f'"{need[1]}"' for need in needs if need)])


def as_typed(text: str) -> str:
    """Return a text that names `intro-dl train` and `pip install -e ".[music]"` with what the user types."""
    text = re.sub(
        r"(?<![\w./-])intro-dl ([a-z]+)(?= |$|[.:;`)])", lambda found: typed_command(found[1]), text
    )
    return re.sub(r'pip install -e "\.\[(\w+)\]"', lambda found: pip_install(found[1]), text)


def tell(text: str) -> None:
    """Print a sentence on stderr; it may name commands as `as_typed` reads them."""
    with suppress(OSError):  # stderr is closed, or its disk is full
        print(shortened(printable(as_typed(text))), file=sys.stderr, flush=True)


def say_loading() -> None:
    """Say on a terminal what takes the first seconds, before torch is imported."""
    if "torch" not in sys.modules and sys.stderr.isatty():
        tell("Loading PyTorch ...")


def shortened(text: str) -> str:
    """Return a text without the rest of its very long words."""
    return re.sub(r"(\S{60})\S{200,}", r"\1...", text)


def explain(error: BaseException) -> str:
    """Return one sentence about an error."""
    from intro_dl.runs.files import explain_os_error

    text = " ".join(str(error).split())
    if reason := explain_os_error(error):
        return reason
    if isinstance(error, RecursionError):
        return "The input is nested too deeply."
    if isinstance(error, UnicodeDecodeError):
        return f"A file is not UTF-8 text: {text}."
    if isinstance(error, UnicodeEncodeError):
        return f"{error.object[:100]!r} is not UTF-8: rename it, or set PYTHONUTF8=1."
    refused = isinstance(error, RuntimeError) and any(words in text.lower() for words in NO_MEMORY)
    if refused or isinstance(error, MemoryError):
        return "There is not enough memory. Choose a smaller batch, model or input, or close other programs."
    if is_for_the_user(error):
        return text
    kind = f"{type(error).__name__}{_where(error)}"
    return f"{kind}: {text.rstrip('.')}. HYDRA_FULL_ERROR=1 shows the traceback."


def run_program(
    work: Callable[[], int | None],
    explain: Callable[[BaseException], str] = explain,
    tell: Callable[[str], None] = tell,
) -> int:
    """Do the work and return the exit code; an error is one sentence. HYDRA_FULL_ERROR=1 shows its traceback.

    Args:
        work: returns the exit code.
        explain: returns a sentence about an error.
        tell: shows this sentence.
    """
    repair_streams()
    signals.received.clear()
    on_sigterm(terminate)
    try:
        code = work() or 0
        sys.stdout.flush()
        return code
    except BrokenPipeError:  # a reader such as `head` has closed the pipe
        return 1
    except SystemExit as stop:
        if isinstance(stop.code, str):
            tell(stop.code)
        return stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    except (Exception, KeyboardInterrupt) as raised:
        error = signals.what_ended_it(raised)
        if isinstance(error, KeyboardInterrupt):
            tell(str(error) or ("Received SIGTERM." if isinstance(error, Terminated) else "Interrupted."))
            return exit_code(error)
        if os.environ.get(FULL_ERROR, os.environ.get("HYDRA_FULL_ERROR", "0")) not in ("", "0"):
            raise
        tell(f"Error: {explain(error)}")
        return 1
    finally:
        _drop_unwritten()


def repair_streams() -> None:
    """Let printing never fail for its characters, and open streams that the shell has closed (`>&-`).

    The encoding stays that of the terminal. What it lacks is shown as in PLAIN, or as JSON writes it.
    """
    codecs.register_error("intro_dl.plain", _spell)
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        stream = getattr(sys, name)
        if stream is None:  # otherwise the next file that is opened would get this number
            null = os.open(os.devnull, os.O_RDWR)
            if null != number:
                os.dup2(null, number)
                os.close(null)
            os.set_inheritable(number, True)
            stream = open(number, "w" if number else "r", encoding="utf-8", closefd=False)
            setattr(sys, name, stream)
        if number and hasattr(stream, "reconfigure"):  # notebooks have other streams
            stream.reconfigure(errors="intro_dl.plain")


def _spell(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = error.object[error.start : error.end]
    return "".join(PLAIN.get(each) or json.dumps(each)[1:-1] for each in text), error.end


def printable(text: str) -> str:
    """Return a text without control characters, with which a name or a file could steer the terminal."""
    return "".join(json.dumps(each)[1:-1] if _steers(each) else each for each in text)


def _steers(character: str) -> bool:
    code = ord(character)
    if code < 0xA0:
        return code < 0x20 and character not in "\n\t" or code >= 0x7F
    return any(code in each for each in DIRECTIONS)


def _drop_unwritten() -> None:
    """Discard output that cannot be written, e.g. to a full disk: Python would try it again at its end."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            with suppress(OSError, ValueError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def is_for_the_user(error: BaseException | None) -> bool:
    """Return whether the message was written for the user, by this package or by a library.

    Python's own ValueError was not, e.g. for too many values to unpack in a student's model.
    """
    import linecache
    import traceback

    if not isinstance(error, ValueError):
        return type(error).__name__ == "MisconfigurationException"  # Lightning's
    places = list(traceback.walk_tb(error.__traceback__))
    if not places or not _is_ours(places[-1][0]):
        return True
    line = linecache.getline(places[-1][0].f_code.co_filename, places[-1][1])
    return not line or "raise" in line


def _where(error: BaseException) -> str:
    """Return the innermost line of this package or of the user's own code; empty if there is none."""
    import traceback

    from intro_dl.runs.files import shown_path

    if isinstance(error, SyntaxError) and error.filename:  # also an IndentationError
        return f" in {shown_path(error.filename)}, line {error.lineno}"
    ours = [place for place in traceback.walk_tb(error.__traceback__) if _is_ours(place[0])]
    return f" in {shown_path(ours[-1][0].f_code.co_filename)}, line {ours[-1][1]}" if ours else ""


def _is_ours(frame: FrameType) -> bool:
    """Return whether a line belongs to this package or to the user's code, not to Python or a library."""
    import sysconfig

    name, file = frame.f_globals.get("__name__", ""), frame.f_code.co_filename
    if name.startswith("intro_dl."):
        return name != __name__  # this module calls all others
    return not file.startswith(("<", sysconfig.get_path("stdlib"))) and "-packages" not in file
