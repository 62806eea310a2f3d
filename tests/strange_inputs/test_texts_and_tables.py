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
from intro_dl.data.image_file import Unreadable
from intro_dl.data.text import TextFile
from intro_dl.inference.predict import main as predict
from intro_dl.inference.rows import read_rows

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


# Tables

FEATURES = ["lectures attended", "hours on the project"]
HEADER = "lectures attended,hours on the project"
COLUMNS = HEADER.replace(",", ";")


@pytest.fixture
def rows(tmp_path, monkeypatch):
    """Write students.csv; return the numbers of its rows, or what is said instead of them."""
    monkeypatch.chdir(tmp_path)

    def read(content: str, encoding: str = "utf-8"):
        (tmp_path / "students.csv").write_bytes(content.encode(encoding))
        found = read_rows(["students.csv"], FEATURES)
        return [str(row) if isinstance(row, Unreadable) else row for _, row in found]

    return read


@pytest.mark.parametrize(
    "content",
    [
        f"{HEADER}\n4,5.5\n8,1",
        f"{HEADER},\n4,5.5,\n8,1,\n",  # a comma at the end of each line
        f"{HEADER}\n4,5.5\n8,1\n,\n\n,,,\n",  # empty rows at the end
        f"sep=;\n{COLUMNS}\n4;5,5\n8;1\n",
        f"SEP=,\r\n{HEADER}\r\n4,5.5\r\n8,1\r\n",
        f"{COLUMNS}\n4;5,5\n8;1,0\n",
        f"\ufeff{COLUMNS}\r\n4;5,5\r\n8;1,0\r\n",
        f"Name;{COLUMNS}\nJürgen;4;5,5\nZoë;8;1\n",
        f",{HEADER}\n0,4,5.5\n1,8,1\n",  # pandas and its index
        f'"{HEADER.replace(",", chr(34) + "," + chr(34))}"\n"4","5,5"\n"8","1"\n',
        HEADER.replace(",", "\t") + "\n4\t5,5\n8\t1\n",
        "4,5.5\n8,1\n",
        "4.0e+00 5.5e+00\n8.0e+00  1.0e+00\n",  # NumPy's savetxt
    ],
)
def test_a_table_is_read_as_the_spreadsheet_meant_it(content, rows):
    for encoding in ("utf-8", "utf-16", "cp1252"):
        if encoding == "utf-8" or not content.startswith("\ufeff"):
            assert rows(content, encoding) == [[4, 5.5], [8, 1]]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "students.csv is empty"),
        (",,\n\n", "students.csv is empty"),
        ("sep=;\n", "students.csv is empty"),
        (f"{HEADER}\n", "has only a header: there is no row to predict"),
        (f"{HEADER}\n4,\n", "students.csv:2: hours on the project is empty"),
        (f"{HEADER}\n4\n", "students.csv:2: hours on the project is empty"),
        (f"{HEADER}\n4,5,2\n", "students.csv:2: 3 numbers, but the model reads 2"),
        (f"{HEADER}\n4,50%\n", "students.csv:2: hours on the project is '50%': write a number alone"),
        (f"{HEADER}\n4 h,5\n", "students.csv:2: lectures attended is '4 h': write a number alone"),
        (f"{HEADER}\n4,n/a\n", "hours on the project is 'n/a'"),
        (f"{HEADER}\n4,1_000\n", "hours on the project is '1_000'"),
        (f'{HEADER}\n4,"1,234"\n', "hours on the project is 1,234: write it without the comma"),
        (f"{COLUMNS}\n0,5;1.234\n", "is 1.234, but others have a decimal comma"),
        (f"{HEADER}\n1e39,1\n", "students.csv:2: lectures attended is 1e39: choose a finite number"),
        (f"{HEADER}\n1,-inf\n", "hours on the project is -inf: choose a finite number"),
        (f"{HEADER}\n1,NaN\n", "hours on the project is NaN: choose a finite number"),
        (
            f"{HEADER},{HEADER}\n1,2,3,4\n",
            "the model reads lectures attended, hours on the project, each once",
        ),
        ("lectures;hours\n1;2\n", "has the columns lectures, hours, but the model reads"),
        (f'{HEADER}\n4,"5\n', "students.csv:2 is not a line of a CSV file"),
    ],
)
def test_a_table_or_a_row_that_cannot_be_read_is_said_with_line_and_column(content, reason, rows):
    (said,) = rows(content)
    assert reason in said


def test_an_excel_workbook_with_the_name_of_a_csv_file_is_named(tmp_path):
    path = tmp_path / "students.csv"
    path.write_bytes(archive("[Content_Types].xml", "xl/workbook.xml"))
    ((_, error),) = read_rows([str(path)], FEATURES)
    assert "it is an Excel workbook. Open it, and save it as CSV in UTF-8." in str(error)


def test_typed_rows_obey_the_same_rules():
    found = dict(read_rows(["4;5", "4,5;6,7", "4,5", "1e39,1", "nan,1", "4,x", "1," * 300], FEATURES))
    assert [found[word] for word in ("4;5", "4,5;6,7", "4,5")] == [[4, 5], [4.5, 6.7], [4, 5]]
    assert all(isinstance(row, Unreadable) for row in list(found.values())[3:])


def test_no_row_and_no_finite_answer_end_with_a_sentence_and_exit_code_1(trained_run, run_main, tmp_path):
    run = trained_run("model=regressor", "data=grades", "trainer.max_epochs=2")
    (tmp_path / "header.csv").write_text(f"{HEADER}\n")
    for word, reason in (
        (tmp_path / "header.csv", "has only a header"),
        ("1e39,1", "lectures attended is 1e39"),
        ("3e38,3e38", "The answer to"),
    ):
        code, out, err = run_main(predict)(run, word)
        assert code == 1 and reason in err and "inf" not in out
