"""Read a text file, whichever system wrote it; for a file that is not a text, say what it is."""

import codecs
import re
from pathlib import Path

from intro_dl.runs.files import read_limited, typed

BYTE_ORDER_MARKS = {  # UTF-32 first: its mark begins with that of UTF-16
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
SAVE = "Open it, and save it as plain text in UTF-8."
# How a file begins, what it then is, and how to get a text from it.
OTHER_FILES = {
    b"%PDF-": ("a PDF document", "pdftotext -enc UTF-8 {file} {text}"),
    b"\x1f\x8b": ("compressed with gzip", "gzip -dc {file} > {text}"),
    b"BZh": ("compressed with bzip2", "bzip2 -dc {file} > {text}"),
    b"\xfd7zXZ\0": ("compressed with xz", "xz -dc {file} > {text}"),
    b"7z\xbc\xaf": ("a 7z archive", ""),
    b"{\\rtf": ("an RTF document", SAVE),
    b"\xd0\xcf\x11\xe0": ("an Office document", SAVE),
    b"\x89PNG": ("a PNG image", ""),
    b"\xff\xd8\xff": ("a JPEG image", ""),
    b"GIF87a": ("a GIF image", ""),
    b"GIF89a": ("a GIF image", ""),
    b"II*\0": ("a TIFF image", ""),
    b"MM\0*": ("a TIFF image", ""),
    b"PK\x03\x04": ("a ZIP archive", "unzip -p {file} > {text}"),
}
IN_ARCHIVES = {  # names of parts that tell the documents among the ZIP archives
    b"xl/workbook": ("an Excel workbook", "Open it, and save it as CSV in UTF-8."),
    b"word/document": ("a Word document", SAVE),
    b"mimetype": ("an OpenDocument or EPUB file", SAVE),
}


def read_text(path: Path, otherwise: str | None = None) -> str:
    """Return the text of a file with "\\n" as line ends and without a byte order mark.

    Args:
        path: a file in UTF-8, or in UTF-16 or UTF-32 with a byte order mark.
        otherwise: encoding of a text that is not UTF-8; None refuses it.

    Raises:
        ValueError: if the file is too large or not a text; the message says what it is, and what to do.
        OSError: if it cannot be read.
    """
    return unix_line_ends(_decode(read_limited(path), path, otherwise))


def unix_line_ends(text: str) -> str:
    """Return a text with the line ends of Windows and of old Macs replaced by "\\n"."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _decode(content: bytes, path: Path, otherwise: str | None) -> str:
    encoding = next((name for mark, name in BYTE_ORDER_MARKS.items() if content.startswith(mark)), "utf-8")
    if encoding == "utf-8" and (other := _other_file(content)):
        what, advice = other
        if "{file}" in advice:
            advice = _command(advice, path)
        raise ValueError(f"{path} is not a plain text, it is {what}. {advice or 'Choose a text file.'}")
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        if encoding == "utf-8" and b"\0" not in content:
            if otherwise is not None and not _is_binary(content):
                return content.decode(otherwise)
            raise ValueError(_not_utf8(content, error.start, path)) from error
        if encoding != "utf-8":
            raise ValueError(
                f"{path} begins like {encoding.upper()}, but is damaged at byte {error.start:,}: "
                f"{error.reason}."
            ) from error
    else:
        if "\0" not in text:
            return text
    raise ValueError(_with_nuls(content, path))


def _other_file(content: bytes) -> tuple[str, str] | None:
    """Return what a file is instead of a text, and the advice; None if it may be a text."""
    found = next((other for mark, other in OTHER_FILES.items() if content.startswith(mark)), None)
    if content.startswith(b"PK\x03\x04"):
        return next((other for part, other in IN_ARCHIVES.items() if part in content), found)
    return found


def _not_utf8(content: bytes, start: int, path: Path) -> str:
    """Return what to do with bytes that are not UTF-8 and have no byte order mark and no NUL."""
    if _is_binary(content):
        return f"{path} is a binary file. Choose a text file."
    line = content.count(b"\n", 0, start) + 1
    where = f"byte 0x{content[start]:02x} in line {line}"
    lenient = content.decode("utf-8", "ignore")
    if sum(not character.isascii() for character in lenient) > len(content) - len(lenient.encode()):
        advice = _command("iconv -c -f UTF-8 -t UTF-8 {file} > {text}", path, "Leave out such bytes with")
        return f"{path} is damaged UTF-8: {where}. {advice}"
    name = "CP1252"
    try:
        text = content.decode(name)
    except UnicodeDecodeError:  # it has five holes
        name = "ISO-8859-1"
        text = content.decode(name)
    word = next(match[0] for match in re.finditer(r"\S+", text) if match.end() > start)[:30]
    advice = _command(
        f"iconv -f {name} -t UTF-8 {{file}} > {{text}}", path, "convert it, and use the new file:"
    )
    return f"{path} is not UTF-8: {where}. Read as {name} it is {word!r}; if that is right: {advice}"


def _with_nuls(content: bytes, path: Path) -> str:
    """Return what to do with a file that has NULs: UTF-16 or UTF-32 without a mark, or no text at all."""
    readings = {}
    for name in ("UTF-32LE", "UTF-32BE", "UTF-16LE", "UTF-16BE"):
        try:  # a part of the file may end within a character
            some = codecs.getincrementaldecoder(name)().decode(content[:40_000])
        except UnicodeDecodeError:
            continue
        shown = sum(character.isprintable() or character.isspace() for character in some)
        if "\0" not in some and shown > 0.95 * len(some):
            readings[name] = sum(map(str.isascii, some))  # swapped bytes give characters of rare scripts
    if readings:
        name = max(readings, key=lambda name: readings[name])
        command = _command(f"iconv -f {name} -t UTF-8 {{file}} > {{text}}", path)
        return f"{path} is {name} without a byte order mark. {command}"
    where = f"a NUL at byte {content.index(0):,}"
    if _is_binary(content):
        return f"{path} is a binary file, with {where}. Choose a text file."
    advice = _command("tr -d '\\000' < {file} > {text}", path, "Remove all of them with")
    return f"{path} has {where}. {advice}"


def _is_binary(content: bytes) -> bool:
    """Return whether more than one byte in a hundred is a control character that no text has."""
    some = content[:100_000]
    return sum(byte < 32 and byte not in b"\t\n\f\r\x1b" for byte in some) > len(some) // 100


def _command(template: str, path: Path, what: str = "Convert it, and use the new file:") -> str:
    """Return an advice with a command that can be pasted."""
    text = path.with_name(f"{path.stem.removesuffix('.txt')}-utf8.txt")
    return f"{what} {template.format(file=typed(str(path)), text=typed(str(text)))}"
