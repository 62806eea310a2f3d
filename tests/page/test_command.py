"""`intro-dl page` writes one small file that is complete and asks for nothing, or says why not."""

import json
import re
import shutil
from html.parser import HTMLParser

import pytest
import torch
import yaml

from intro_dl.config import validate
from intro_dl.data.images import Digits, normalize
from intro_dl.inference.load import load_run
from intro_dl.models.lenet import LeNet
from intro_dl.page import content
from intro_dl.page.command import main
from intro_dl.page.content import class_by_class, command_of, entry_of
from intro_dl.page.weights import unpack
from intro_dl.page.write import MODELS, SHIPPED, WEB, as_data, scripts, shipped, to_page
from intro_dl.runs.folder import RunFolder

SMALL = "trainer=smoke"


@pytest.fixture
def page(run_main):
    return run_main(main)


@pytest.fixture
def run_of(trained_run, tmp_path):
    """Return a copy of a run of a model that trained on two batches."""

    def copy(*words: str):
        return shutil.copytree(trained_run(SMALL, *words), tmp_path / "outputs" / words[0].partition("=")[2])

    return copy


class Parts(HTMLParser):
    """The names of the elements of a page, the content of its scripts, and its addresses."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags, self.scripts, self.addresses, self.inside = [], [], [], False
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.inside = tag == "script"
        if self.inside:
            self.scripts.append("")
        self.addresses += [value for name, value in attributes if name in ("src", "href", "action", "data")]

    def handle_endtag(self, tag):
        self.inside = self.inside and tag != "script"

    def handle_data(self, data):
        if self.inside:
            self.scripts[-1] += data


def content_of(text: str):
    return json.loads(Parts(text).scripts[0])


def test_a_run_gets_a_page_in_its_own_folder(run_of, page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run = run_of("model=lenet", "data=digits")
    code, out, err = page(run)
    assert code == 0 and not err
    assert re.search(
        r"^LeNet on Digits +61,706 weights, the same answers to \d\.\de-\d\d$", out, re.MULTILINE
    )
    assert re.search(
        r"^Wrote outputs/lenet/page\.html \(0\.\d MB\)\. Open it in a browser\.$", out, re.MULTILINE
    )
    found = content_of((run / "page.html").read_text(encoding="utf-8"))
    own, text = found["runs"]
    assert own["title"] == "LeNet on Digits" and own["run"] == "outputs/lenet" and not own["shipped"]
    assert own["classes"] == list("0123456789") and own["in_shape"] == [1, 28, 28]
    assert own["background"] == "dark" and own["digit_box"] == 28 and own["result"]["split"] == "test"
    assert text["kind"] == "text" and text["shipped"]
    assert found["command"] == "intro-dl page outputs/lenet"


def test_several_runs_share_one_page(run_of, page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    runs = run_of("model=softmax", "data=digits"), run_of("model=regressor", "data=grades")
    code, out, _ = page(*runs)
    assert code == 0 and "Wrote outputs/page.html" in out
    one, other, text = content_of((tmp_path / "outputs/page.html").read_text(encoding="utf-8"))["runs"]
    assert (one["kind"], other["kind"], text["kind"]) == ("images", "points", "text")
    assert other["target"] == {"name": "grade", "unit": "percent"} and other["classes"] == []
    assert len(other["points"]["inputs"]) == len(other["points"]["labels"]) == 200


def test_without_a_run_the_page_shows_the_models_of_the_package(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, err = page()
    assert code == 0 and not err and "which ship with the package" in out
    found = content_of((tmp_path / "outputs/page.html").read_text(encoding="utf-8"))
    assert [entry["model"] for entry in found["runs"]] == ["LeNet", "MLP", "CharLSTM"]


def test_only_a_page_is_written_over(page, tmp_path):
    notes = tmp_path / "mine.txt"
    notes.write_text("<!DOCTYPE html> my notes", encoding="utf-8")
    code, _, err = page(f"out={notes}")
    assert code != 0 and "mine.txt is not a page of this program: name another file with out=." in err
    assert notes.read_text(encoding="utf-8") == "<!DOCTYPE html> my notes"
    for _ in range(2):
        assert page(f"out={tmp_path / 'page.html'}")[0] == 0


def test_three_models_of_the_default_sizes_fit_into_two_megabytes(trained_run):
    runs = [("model=lenet", "data=digits"), ("model=mlp", "data=digits"), ("model=char_lstm",)]
    entries = [entry_of(load_run(trained_run(SMALL, *words)), "run")[0] for words in runs]
    assert len(entries[0]["examples"]) == len(entries[1]["examples"]) == 50
    assert len(to_page(entries, "intro-dl page").encode()) <= 2_000_000


def test_examples_come_class_by_class_and_the_worst_mistakes_after_them(trained_run):
    run = load_run(trained_run(SMALL, "model=lenet", "data=digits"))
    entry, _ = entry_of(run, "run")
    tests, mistakes = entry["examples"][:30], entry["examples"][30:]
    assert [each["label"] for each in tests] == sorted([*range(10)] * 3)
    assert all(each["mistake"] and each["label"] != each["predicted"] for each in mistakes)
    chances = [each["probability"] for each in mistakes]
    assert chances == sorted(chances, reverse=True) and len(chances) == 20
    assert class_by_class(torch.tensor([2, 2, 0, 2, 0, 1]), 4) == [2, 4, 5, 0]


def test_large_images_take_no_more_room_than_small_ones(trained_run, monkeypatch):
    monkeypatch.setattr(content, "MOST_PIXELS", 5 * 784)
    entry, _ = entry_of(load_run(trained_run(SMALL, "model=lenet", "data=digits")), "run")
    assert len(entry["examples"]) == 10


def test_where_20_bits_are_too_few_the_weights_are_whole(trained_run):
    run = load_run(trained_run(SMALL, "model=regressor", "data=grades"))
    run.model.output.weight.mul_(1000)
    entry, difference = entry_of(run, "run")
    assert difference == 0.0 and {each["bits"] for each in entry["weights"].values()} == {32}


def test_a_run_without_its_data_has_no_examples_but_a_note(run_of, page, tmp_path):
    run = run_of("model=softmax", "data=digits")
    shutil.rmtree(run / ".hydra")
    code, _, err = page(run, f"out={tmp_path / 'page.html'}")
    assert code == 0 and "shows no test examples of" in err
    assert "examples" not in content_of((tmp_path / "page.html").read_text(encoding="utf-8"))["runs"][0]


def test_a_run_on_other_data_is_refused_in_a_sentence(trained_run, page, tmp_path):
    run = trained_run(SMALL, "model=gcn")
    code, _, err = page(run, f"out={tmp_path / 'page.html'}")
    says = "GCN was trained on graph, and the page has tabs for images, points and text only."
    assert code == 1 and err == f"Error: The page cannot show {run}: {says} Choose another run.\n"
    assert not (tmp_path / "page.html").exists()


def test_a_run_that_is_too_large_or_has_diverged_is_refused(trained_run, page, tmp_path, monkeypatch):
    folder = trained_run(SMALL, "model=softmax", "data=digits")
    monkeypatch.setattr(content, "MOST_WEIGHTS", 7_000)
    code, _, err = page(folder, f"out={tmp_path / 'page.html'}")
    assert code == 1 and "SoftmaxRegression has 7,850 weights, and a page holds at most 7,000." in err
    monkeypatch.undo()
    run = load_run(folder)
    run.model.logits.weight[0, 0] = torch.nan
    with pytest.raises(ValueError, match="its weights are not finite. Choose another run"):
        entry_of(run, "run")


def test_wrong_arguments_are_told_in_one_sentence(page, tmp_path):
    for words, says in [
        (["nowhere"], "There is no directory nowhere"),
        ([f"out={tmp_path}"], "is a directory: name a file in it"),
        (["out=/proc/page.html"], "Cannot write out=/proc/page.html"),
        (["format=pdf"], "Unknown key format"),
    ]:
        code, _, err = page(*words)
        assert code == 1 and says in err and len(err.strip().splitlines()) == 1


def test_the_command_of_a_run_is_the_one_that_trained_it(run_of):
    folder = run_of("model=softmax", "data=digits")
    run = load_run(folder)
    assert command_of(RunFolder(folder), run) == "intro-dl train model=softmax"
    saved = ["model=softmax", "model.hidden=[5,5]", "+data.x='a b'", "hydra.mode=RUN", "own_code=.", "--help"]
    (folder / ".hydra" / "overrides.yaml").write_text(yaml.safe_dump([*saved, "run_dir=x", "seed=1\nrm -rf"]))
    words = "intro-dl train model=softmax 'model.hidden=[5,5]' '+data.x='\"'\"'a b'\"'\"''"
    assert command_of(RunFolder(folder), run) == words


def test_the_shipped_models_are_small_and_their_commands_compose(make_config):
    assert sum((SHIPPED / f"{name}.json").stat().st_size for name in MODELS) <= 400_000
    for entry in shipped():
        validate.validate(
            make_config(*entry["command"].removeprefix("intro-dl train ").replace("'", "").split())
        )
        assert entry["shipped"] and entry["result"]["accuracy"] > 0.6 and entry["result"]["examples"] >= 300
        assert {each["bits"] for each in entry["weights"].values()} <= {16, 32}


def test_the_shipped_lenet_reaches_what_its_entry_says():
    entry, model, data = shipped()[0], LeNet((1, 28, 28), 10).eval(), Digits()
    model.load_state_dict({name: unpack(weight) for name, weight in entry["weights"].items()})
    data.setup()
    images, labels = data.splits["test"]
    with torch.no_grad():
        right = model(normalize(images, entry["mean"], entry["std"])).argmax(dim=1) == labels
    assert float(right.float().mean()) == pytest.approx(entry["result"]["accuracy"], abs=1e-5)
    assert len(labels) == entry["result"]["examples"]


def test_every_file_of_the_page_is_in_it_once():
    assert sorted(scripts()) == sorted(WEB.rglob("*.js"))
    parts = Parts(to_page([], "intro-dl page"))
    assert len(parts.scripts) == 1 + len(scripts())
    for path, script in zip(scripts(), parts.scripts[1:], strict=True):
        assert script.strip() == path.read_text(encoding="utf-8").strip()


def test_no_script_can_end_its_element_and_none_makes_code_of_text():
    for path in scripts():
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"</script|<!--", text, re.IGNORECASE), path.name
        assert not re.search(r"\b(innerHTML|outerHTML|insertAdjacentHTML|document\.write)\b", text), path.name
        assert not re.search(r"\b(eval|Function)\(", text), path.name


def test_the_page_asks_for_no_address():
    text = to_page(shipped(), "intro-dl page")
    parts = Parts(text)
    assert all(address.startswith(("#", "data:")) for address in parts.addresses), parts.addresses
    rest = text.replace("http://www.w3.org/", "")  # names of SVG and MathML, which nobody asks for
    assert not re.search(r"https?://|\bfetch\(|XMLHttpRequest|WebSocket|@import|sendBeacon|\bimport\(", rest)


def test_numbers_that_are_not_finite_become_null():
    assert as_data({"a": [float("nan"), float("inf"), 1.5], 3: None}) == '{"a":[null,null,1.5],"3":null}'
