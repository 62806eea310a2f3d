"""The tab Characters: the texts of scratch/sampling.py, torch's surprises and gates, and the controls."""

import subprocess
from types import SimpleNamespace

import pytest
import torch
from torch.nn import functional as F

from intro_dl.config.options import read_options
from intro_dl.data.text import UNKNOWN, split_words
from intro_dl.inference.portable import Portable
from intro_dl.inference.sample import OPTIONS, _unescape
from intro_dl.models.char_lstm import CharLSTM
from intro_dl.models.char_rnn import CharRNN
from intro_dl.page.graph import to_graph
from intro_dl.page.weights import pack, unpack
from intro_dl.page.write import shipped
from intro_dl.scratch.sampling import divide_by_temperature, keep_top_k, probabilities
from intro_dl.visualize.text import gate_traces

LETTERS = [chr(code) for code in range(32, 112)]
WORDS = [UNKNOWN, *(f" {word}" for word in "the of and to a in that is was he for it with".split()), ".", "I"]
SETTINGS = [
    {"temperature": temperature, "topK": top_k, "seed": seed}
    for seed, (temperature, top_k) in enumerate([(0.5, 0), (1.0, 0), (1.7, 0), (0.8, 5)])
]
WRITE = """([run, prompt, settings, length]) => {
  const reader = new TextReader(RUNS[run]);
  const writer = new TextWriter(reader, prompt, settings);
  while (writer.written < length) writer.advance();
  const random = new RandomNumbers(settings.seed);
  const uniform = Array.from({length}, () => random.uniform());
  return {tokens: reader.moments.map(({token}) => token), uniform};
}"""
READ = """([run, tokens]) => {
  const reader = new TextReader(RUNS[run]);
  for (const token of tokens) reader.read(token);
  const cells = [...Array(reader.cells).keys()];
  const trace = (kind, layer) =>
    tokens.map((_, place) => cells.map((cell) => reader.traceOf(place, kind, layer, cell)));
  return {
    mean: reader.meanSurprise(), surprises: reader.moments.map(({surprise}) => surprise),
    traces: Array.from({length: reader.layers}, (_, layer) =>
      Object.fromEntries(reader.kinds.map((kind) => [kind, trace(kind, layer)]))),
  };
}"""


def entry_of_model(model, alphabet):
    """Return what the tab needs of a run of `model`."""
    run = SimpleNamespace(model=model, kind="text", metadata={"dims": {"vocab_size": len(alphabet)}})
    graph, weights = to_graph(Portable(run))
    packed = {name: pack(weight, 32) for name, weight in weights.items()}
    entry = {"title": type(model).__name__, "kind": "text", "run": "outputs/a run", "shipped": False}
    entry |= {"command": "intro-dl train", "result": None, "parameters": 0, "prompt": alphabet[1]}
    return entry | {"graph": graph, "weights": packed, "alphabet": alphabet}


def shipped_model():
    """Return the char LSTM that ships with the package, as a model and as an entry."""
    entry = next(each for each in shipped() if each["kind"] == "text")
    weights = {name: unpack(each) for name, each in entry["weights"].items()}
    vocab, size = weights["embedding.weight"].shape
    model = CharLSTM(vocab, size, weights["lstm.weight_hh_l0"].shape[1])
    model.load_state_dict(weights)
    return model, entry


@pytest.fixture(scope="module")
def models():
    """Return {name: (model, entry)}; the new ones have weights as large as those of trained models."""
    torch.manual_seed(0)
    new = {
        "rnn": (CharRNN(len(LETTERS), 24), LETTERS),
        "words": (CharLSTM(len(WORDS), 8, 12, layers=2), WORDS),
    }
    with torch.no_grad():
        for name, (model, _) in new.items():
            for weight in model.parameters():
                weight.mul_(2 if name == "rnn" else 4)  # with more, an RNN is chaotic: rounding errors grow
    made = {name: (model, entry_of_model(model, alphabet)) for name, (model, alphabet) in new.items()}
    return {"shipped": shipped_model()} | {
        name: (model.eval(), entry) for name, (model, entry) in made.items()
    }


@pytest.fixture(scope="module")
def tab(page_with, models):
    return page_with([entry for _, entry in models.values()], "#characters")


@torch.no_grad()
def text_by_hand(model, prompt, uniform, temperature, top_k):
    """Return the prompt, then for each number u the first token whose cumulated probability exceeds u."""
    tokens, state = list(prompt), None
    logits, state = model(torch.tensor([prompt]), state)
    for u in uniform:
        z = divide_by_temperature(logits[0, -1], temperature)
        p = probabilities(keep_top_k(z, top_k) if top_k else z).double()
        tokens.append(int(torch.searchsorted(p.cumsum(0), u, right=True).clamp(max=int(p.nonzero().max()))))
        logits, state = model(torch.tensor([tokens[-1:]]), state)
    return tokens


@pytest.mark.parametrize("name", ["shipped", "rnn", "words"])
def test_the_page_writes_the_text_of_the_scratch_sampler(tab, models, name):
    model, prompt = models[name][0], [1, 3, 2]
    for settings in SETTINGS if name == "shipped" else SETTINGS[1::2]:
        found = tab.evaluate(WRITE, [list(models).index(name), prompt, settings, 300])
        expected = text_by_hand(model, prompt, found["uniform"], settings["temperature"], settings["topK"])
        assert found["tokens"] == expected, settings


@pytest.mark.parametrize("name", ["shipped", "rnn", "words"])
def test_surprises_and_gates_are_those_of_torch(tab, models, name):
    model, entry = models[name]
    tokens = torch.randint(len(entry["alphabet"]), (60,), generator=torch.Generator().manual_seed(1))
    found = tab.evaluate(READ, [list(models).index(name), tokens.tolist()])
    with torch.no_grad():
        logits, _ = model(tokens[None])
        bits = F.cross_entropy(logits[0, :-1], tokens[1:], reduction="none") / torch.tensor(2.0).log()
    assert found["surprises"][0] is None
    assert found["surprises"][1:] == pytest.approx(bits.tolist(), abs=1e-4)
    assert found["mean"] == pytest.approx(bits.mean().item(), abs=1e-5)
    if name == "rnn":
        assert list(found["traces"][0]) == ["h"]
        return
    with torch.no_grad():
        traces = gate_traces(model.embedding(tokens), model.lstm)
    for kind, title in {
        "forget": "forget gate, f",
        "store": "store gate, i",
        "output": "output gate, o",
    }.items():
        assert torch.tensor(found["traces"][0][kind]) == pytest.approx(traces[title], abs=1e-5)
    assert torch.tensor(found["traces"][0]["cell"]) == pytest.approx(traces["cell state, tanh(c)"], abs=1e-5)
    above = model.lstm(model.embedding(tokens)[:, None])[0][:, 0].detach()
    assert torch.tensor(found["traces"][-1]["h"]) == pytest.approx(above, abs=1e-5)


def test_words_are_split_as_in_training(tab):
    texts = [
        "I love it.  So\tdo\n\nwe (all)!",
        "x_1 = a-b",
        " ".join(map(chr, range(0x500))),
        "a\u2028b \u00e9\u0301",
    ]
    assert [tab.evaluate("splitWords", text) for text in texts] == [split_words(text) for text in texts]


def test_an_unknown_character_is_one_sentence(tab):
    tab.goto(tab.url.split("#")[0] + "#characters?run=1&mode=read&text=Zo%C3%AB+%E2%82%AC")
    assert (
        tab.locator("#panel-characters .notice").inner_text()
        == 'The model has never seen "ë", "€": remove them.'
    )
    assert tab.locator(".token").count() == 0
    tab.goto(tab.url.split("#")[0] + "#characters?run=2&mode=read&text=of+xylophones")
    assert tab.locator("#panel-characters .notice").inner_text().startswith("Not in the vocabulary")
    tab.locator(".token").nth(1).wait_for()
    assert tab.locator(".token").all_inner_texts() == [UNKNOWN, UNKNOWN]


def test_the_command_gives_sample_the_same_settings(tab):
    for prompt in ["\\n\n\t", "a $HOME", "`date`", 'say "so"', "it's $1", "! \\", "X:1\n", "a b"]:
        settings = {"prompt": prompt, "temperature": 0.35, "topK": 5, "seed": 3, "length": 300}
        command = tab.evaluate("(settings) => sampleCommand(RUNS[1], settings)", settings)
        words = command.removeprefix("intro-dl sample ")
        printed = subprocess.run(
            ["sh", "-c", f"printf '%s\\0' {words}"], capture_output=True, text=True, check=True
        )
        run, *options = printed.stdout.split("\0")[:-1]
        assert run == "outputs/a run"
        found = read_options(options, OPTIONS)[1]
        assert _unescape(found["prompt"]) == prompt
        assert [found[key] for key in ("temperature", "top_k", "seed", "length")] == [0.35, 5, 3, 300]


def test_the_tab_by_keyboard(page_with, models):
    tab = page_with(address="#characters?length=0", reduced_motion="reduce")
    tab.locator(".token").first.wait_for(state="attached")
    assert tab.locator(".token").count() == 1  # nothing is written by itself
    tab.get_by_role("button", name="One character").focus()
    for _ in range(3):
        tab.keyboard.press("Enter")
    assert tab.locator(".token").count() == 4
    assert "length=3" in tab.url
    assert tab.locator(".expected-card .marked").count() == 1
    tab.get_by_role("button", name="Write").focus()
    tab.keyboard.press("Enter")
    tab.locator(".token").nth(12).wait_for()
    tab.keyboard.press("Enter")  # pause
    count = tab.locator(".token").count()
    written = "".join(tab.locator(".token").all_text_contents())
    tab.get_by_label("Position in the text").focus()
    tab.keyboard.press("Home")
    assert "the first character" in tab.locator(".expected-card").inner_text()
    tab.keyboard.press("ArrowRight")
    assert "place=2" in tab.url
    again = page_with(address=tab.url[tab.url.index("#") :])  # the address alone gives the same moment
    again.locator(".token").nth(count - 1).wait_for(state="attached")
    assert again.locator(".token").count() == count
    assert "".join(again.locator(".token").all_text_contents()) == written
    assert again.locator(".token.marked").count() == 1


def test_hovering_shows_the_place_and_coloring_shows_the_gate(tab):
    tab.goto(tab.url.split("#")[0] + "#characters?mode=read")
    tab.get_by_text("bits per character, the mean surprise of 32 predictions").wait_for()
    tab.locator(".token").nth(7).hover()
    assert tab.locator(".token.marked").inner_text() == "r"
    assert '"r" surprised the model' in tab.locator(".expected-card").inner_text()
    before = tab.locator(".token").nth(9).get_attribute("style")
    tab.get_by_role("button", name="Find a cell for word ends").click()
    assert tab.locator(".token").nth(9).get_attribute("style") != before
    assert "color=forget" in tab.url
