"""What a CSV file of one's own becomes, and which files are refused."""

import json
import random
import re

import pytest
import torch

from intro_dl.data.table_file import TableFile
from intro_dl.inference.evaluate import main as evaluate
from intro_dl.inference.load import load_run
from intro_dl.inference.predict import main as predict
from intro_dl.page.content import entry_of


def text_of(counts: dict[str, int]) -> str:
    """Return a table of points around a center for each class, in a mixed order."""
    draw = random.Random(0)
    rows = [
        f"{draw.gauss(3 * number, 0.5):.4f},{draw.gauss(-number, 0.5):.4f},{name}"
        for number, (name, count) in enumerate(counts.items())
        for _ in range(count)
    ]
    draw.shuffle(rows)
    return "\n".join(["x1,x2,class", *rows, ""])


@pytest.fixture
def table(tmp_path):
    """Write a table and read it as data."""

    def read(content: str | bytes, **options) -> TableFile:
        path = tmp_path / "points.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        data = TableFile(path=str(path), **options)
        data.setup()
        return data

    return read


def rows_of(data: TableFile, split: str) -> list[tuple]:
    inputs, labels = data.splits[split]
    return [(*row, data.class_names[label]) for row, label in zip(inputs.tolist(), labels, strict=True)]


def test_rows_are_split_by_a_fraction_of_each_class_and_none_is_lost(table):
    text = text_of({"blue": 50, "orange": 10, "green": 3})
    data = table(text)
    assert data.description() == (
        "63 rows, 2 features (x1, x2), 3 classes (blue 50, green 3, orange 10): 37 train, 13 val, 13 test"
    )
    assert data.dims == {"in_shape": (2,), "num_classes": 3}
    counts = {split: labels.bincount().tolist() for split, (_, labels) in data.splits.items()}
    assert counts == {"train": [30, 1, 6], "val": [10, 1, 2], "test": [10, 1, 2]}
    found = sorted(row for split in data.splits for row in rows_of(data, split))
    cells = [line.split(",") for line in text.split()[1:]]
    for (x1, x2, name), (first, second, written) in zip(
        found, sorted((float(a), float(b), c) for a, b, c in cells), strict=True
    ):
        assert (x1, x2, name) == (pytest.approx(first), pytest.approx(second), written)
    tiny = table(text_of({"a": 4, "b": 4}), split_fraction=0.49)
    assert [len(labels) for _, labels in tiny.splits.values()] == [4, 2, 2]


def test_the_split_depends_on_split_seed_alone(table):
    text = text_of({"a": 20, "b": 20})
    first, same, other = table(text), table(text, seed=5, batch_size=3), table(text, split_seed=1)
    assert rows_of(first, "test") == rows_of(same, "test") != rows_of(other, "test")


def test_inputs_are_standardized_by_the_training_rows_and_a_constant_column_stays_finite(table):
    rows = [f"{number},0.1,{number * 1e30},{'ab'[number % 2]}" for number in range(20)]
    data = table("\n".join(["n,same,large,class", *rows]))
    inputs, _ = data.whole("train")
    assert torch.allclose(inputs.mean(dim=0), torch.zeros(3), atol=1e-5)
    assert torch.allclose(inputs.std(dim=0, correction=0), torch.tensor([1.0, 0.0, 1.0]), atol=1e-5)
    assert all(inputs.isfinite().all() for inputs, _ in map(data.whole, data.splits))


@pytest.mark.parametrize(
    "content",
    [
        "\ufeffx1;x2;class\r\n" + "1,5;-2;a\r\n0;1;b\r\n" * 3,
        "sep=;\nx1;x2;class\n" + "1,5;-2;a\n0;1;b\n" * 3,
        "x1\tx2\tclass\n" + "1.5\t-2\ta\n\n0\t1\tb\n" * 3,
        '"x1","x2","class",\n' + '"1.5",\u22122,"a",\n0,1,b,\n' * 3,
    ],
    ids=["decimal commas", "Excel", "tabs and empty lines", "quotes and trailing commas"],
)
def test_tables_of_spreadsheets_are_read(table, content):
    data = table(content)
    assert data.features == ("x1", "x2")
    assert rows_of(data, "train") == [(1.5, -2, "a"), (0, 1, "b")]


def test_classes_that_are_numbers_are_in_the_order_of_their_values(table):
    assert table("x,class\n" + "1,10\n2,9\n3,-1\n" * 3).class_names == ("-1", "9", "10")
    assert table("x,class\n" + "1,10\n2,9\n3,b\n" * 3).class_names == ("10", "9", "b")


GOOD = "0,1,a\n2,3,b\n" * 3
BAD = {
    "": "points.csv is empty: write the names of the columns into the first line, e.g. x1,x2,class",
    "x1,x2,class\n": "points.csv has only a header: add a row for each example.",
    "class\na\nb\n": "points.csv has only the column class: write the names",
    GOOD: "points.csv begins with numbers: write the names of the columns into the first line",
    f"x1,X1,class\n{GOOD}": "points.csv:1: two columns are named X1: rename or remove one of them.",
    f",x1,class\n{GOOD}": "points.csv:1: the name of column 1 is empty: write it there, or remove the",
    f"x1,x2,class\n{GOOD}1,b,a\n": "points.csv:8: x2 is 'b': write a number alone, e.g. 5 or 0.5. Only",
    f"x1,x2,class\n{GOOD}1,,a\n": "points.csv:8: x2 is empty.",
    f"x1,x2,class\n{GOOD}1,nan,a\n": "points.csv:8: x2 is nan: choose a finite number",
    f"x1,x2,class\n{GOOD}1,1e39,a\n": "points.csv:8: x2 is 1e39: choose a finite number",
    f"x1,x2,class\n{GOOD}1,2,\n": "points.csv:8: the class is empty: write it there, or remove the row.",
    f"x1,x2,class\n{GOOD}1,2\n": "points.csv:8 has 2 cells, but the header has 3: correct it.",
    f"x1,x2,class\n{GOOD}1,5,2,5,a\n": "points.csv:8 has 5 cells, but the header has 3",
    f"x1,x2,class\n{GOOD}1,2,a\x1b[2J\n": r"points.csv:8: the class is a\x1b[2J: use at most 100",
    f"x1,x2,class\n{GOOD}1,2,{'a' * 101}\n": "use at most 100 printable characters",
    f'x1,x2,class\n{GOOD}1,2,"a\n': "is not a line of a CSV file",
    "x1,x2,class\n" + "0,1,a\n" * 9: "points.csv has only the class a in its last column",
    f"x1,x2,class\n{GOOD}1,2,c\n": "points.csv has 1 row of the class c, but each class needs 3, one",
    "x1,x2,grade\n" + "".join(f"1,2,{n}.5\n" for n in range(9)): "has 1 row of the class 0.5, but each",
}  # fmt: skip


@pytest.mark.parametrize("content", BAD, ids=lambda content: BAD[content][:40])
def test_a_bad_table_gets_one_sentence_that_names_its_line(table, content):
    with pytest.raises(ValueError, match=re.escape(BAD[content])) as error:
        table(content)
    assert "\n" not in str(error.value)


def test_a_file_that_is_missing_or_not_a_text_in_utf8_is_refused(table, tmp_path):
    with pytest.raises(ValueError, match=r"data=table needs a table: add data\.path="):
        TableFile()
    for path in (tmp_path, tmp_path / "absent.csv"):
        with pytest.raises(ValueError, match=r"Cannot read .*Name a CSV file with data\.path="):
            TableFile(path=str(path)).setup()
    with pytest.raises(ValueError, match="is not UTF-8: .*Read as CP1252 it is '0,1,M\u00fcller'.* iconv"):
        table(f"x1,x2,class\n{GOOD}0,1,M\u00fcller\n".encode("cp1252"))
    with pytest.raises(ValueError, match="it is a ZIP archive"):
        table(b"PK\x03\x04 xlsx")


def test_a_run_on_a_table_is_evaluated_predicts_and_gets_a_page(trained_run, run_main, tmp_path):
    path = tmp_path / "points.csv"
    path.write_text(text_of({"blue": 30, "orange": 30}))
    run = trained_run(
        "model=softmax", "data=table", f"data.path={path}", "optim.lr=0.1", "trainer.max_epochs=5"
    )
    code, _, _ = run_main(evaluate)(run, f"out={tmp_path / 'out'}")
    numbers = json.loads((tmp_path / "out" / "evaluation.json").read_text())["numbers"]
    result = json.loads((run / "result.json").read_text())
    assert code == 0 and numbers["accuracy"] == result["accuracy/test"] > 0.9
    code, out, _ = run_main(predict)(run, path, "format=json")
    answers = [answer["class"] for answer in json.loads(out)]
    truth = [line.rpartition(",")[2] for line in path.read_text().split()[1:]]
    right = sum(map(str.__eq__, answers, truth))
    assert code == 0 and right >= 0.9 * len(truth) == 54
    entry, *_ = entry_of(load_run(run), 1)
    assert (entry["kind"], entry["features"], entry["classes"]) == (
        "points",
        ["x1", "x2"],
        ["blue", "orange"],
    )
    assert len(entry["points"]["labels"]) == 12
