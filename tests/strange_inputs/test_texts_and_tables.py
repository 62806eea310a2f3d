"""Texts and tables as other programs and systems write them: read, or the true reason with what to do."""

import bz2
import gzip
import io
import lzma
import re
import shutil
import subprocess
import zipfile

import pytest

from intro_dl.data.decode import read_text
from intro_dl.data.text import TextFile

pytestmark = pytest.mark.quick

TEXT = "Der Müller aß früh.\nEin Wort, ein Café.\n" * 50


def archive(*names: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as file:
        for name in names:
            file.writestr(name, TEXT)
    return content.getvalue()


# Texts


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_a_text_of_any_system_with_a_byte_order_mark_is_read(encoding, line_end, tmp_path):
    path = tmp_path / "book.txt"
    path.write_bytes(TEXT.replace("\n", line_end).encode(encoding))
    assert read_text(path) == TEXT


@pytest.mark.parametrize("encoding", ["utf-16-be", "utf-32-be"])
def test_a_text_with_swapped_bytes_is_read_if_it_has_a_byte_order_mark(encoding, tmp_path):
    path = tmp_path / "book.txt"
    path.write_bytes(f"\ufeff{TEXT}".encode(encoding))
    assert read_text(path) == TEXT


PASTED = {
    "utf-16-le": TEXT.encode("utf-16-le"),
    "utf-16-be": TEXT.encode("utf-16-be"),
    "utf-32-le": TEXT.encode("utf-32-le"),
    "utf-32-be": TEXT.encode("utf-32-be"),
    "cp1252": TEXT.encode("cp1252"),
    "gzip": gzip.compress(TEXT.encode()),
    "bzip2": bz2.compress(TEXT.encode()),
    "xz": lzma.compress(TEXT.encode()),
    "unzip": archive("book.txt"),
    "tr": TEXT.encode() + b"\0\0",
    "iconv -c": TEXT.encode() + b"\xff",
}


@pytest.mark.parametrize("name", PASTED)
def test_the_command_that_the_error_advises_can_be_pasted_and_makes_the_text(name, tmp_path):
    folder = tmp_path / "Dario's texts"
    folder.mkdir()
    path = folder / "my book.txt"
    path.write_bytes(PASTED[name])
    with pytest.raises(ValueError, match="my book") as refused:
        read_text(path)
    (command,) = re.findall(r"(?:: |with )((?:iconv|gzip|bzip2|xz|unzip|tr) .*)$", str(refused.value))
    if shutil.which(command.split()[0]) is None:
        pytest.skip(f"{command.split()[0]} is not installed")
    subprocess.run(command, shell=True, check=True, capture_output=True)
    (made,) = set(folder.iterdir()) - {path}
    assert read_text(made) == TEXT


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"%PDF-1.7\n%\xe2\xe3", "it is a PDF document. Convert it, and use the new file: pdftotext"),
        (archive("[Content_Types].xml", "word/document.xml"), "it is a Word document. Open it, and save it"),
        (archive("[Content_Types].xml", "xl/workbook.xml"), "it is an Excel workbook. Open it, and save it"),
        (b"{\\rtf1 hello}", "it is an RTF document"),
        (b"\x89PNG\r\n\x1a\n", "it is a PNG image. Choose a text file."),
        (bytes(range(256)) * 20, "is a binary file"),
        (bytes(range(1, 256)) * 20, "is a binary file"),
        ("Müller\n".encode("cp1252"), "Read as CP1252 it is 'Müller'"),
        (TEXT.encode("utf-16")[:-1], "begins like UTF-16, but is damaged"),
    ],
)
def test_a_file_that_is_not_a_text_is_named_by_what_it_is(content, what, tmp_path):
    path = tmp_path / "book.txt"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=re.escape(what)):
        TextFile(path=str(path)).setup()


def test_an_error_names_a_folder_and_a_missing_file(tmp_path):
    for path in (tmp_path, tmp_path / "absent.txt", tmp_path / ("x" * 300)):
        with pytest.raises(ValueError, match=r"Cannot read .*data\.path="):
            TextFile(path=str(path)).setup()
