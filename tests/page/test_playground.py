"""The tab Playground: its points, its training, and its command are those of the package."""

import csv
import io
import re
import shlex
from statistics import median
from types import SimpleNamespace
from urllib.parse import unquote

import pytest
import torch
from torch.nn import functional as F

from intro_dl.config.validate import validate
from intro_dl.data.toy import XOR, Circles, Moons, PassClass, Spirals, TwoGaussians
from intro_dl.inference.portable import Portable
from intro_dl.models.mlp import MLP
from intro_dl.page.graph import to_graph
from intro_dl.page.weights import pack
from intro_dl.training.build import build_data, build_model

SETS = {
    "two_gaussians": TwoGaussians,
    "xor": XOR,
    "moons": Moons,
    "circles": Circles,
    "spirals": Spirals,
    "pass_class": PassClass,
}
# Trains in Float64, and returns the weights before and after, the batches and the losses.
TRAIN = """([changes, steps]) => {
  const state = {...PLAYGROUND_DEFAULTS, ...changes};
  const trainer = new PlaygroundTrainer(state, pointsOfState(state), Float64Array);
  const plain = ([name, {shape, data}]) => [name, shape, [...data]];
  const weights = () => [...trainer.network.parameters].map(plain);
  const before = weights(), batches = [], losses = [];
  const draw = trainer.nextIndices.bind(trainer);
  trainer.nextIndices = () => (batches.push(draw()), batches.at(-1));
  for (let n = 0; n < steps; n++) losses.push(trainer.step());
  const {inputs, labels} = trainer.train;
  return {before, after: weights(), batches, losses, inputs: [...inputs.data], labels: [...labels.data]};
}"""
# Measures how long each frame works, before the scripts of the page start.
TIME_FRAMES = """
  window.frameWork = [];
  const request = window.requestAnimationFrame.bind(window);
  window.requestAnimationFrame = (call) => request((now) => {
    const start = performance.now();
    call(now);
    window.frameWork.push(performance.now() - start);
  });
"""


@pytest.fixture(scope="module")
def tab(page_with):
    return page_with(address="#playground", viewport={"width": 1280, "height": 1400})


def press(tab, name):
    panel(tab).get_by_role("button", name=name, exact=True).click()


def panel(tab):
    return tab.locator("#panel-playground")


def command(tab):
    return panel(tab).locator(".command code").inner_text()


def overrides(command):
    program, train, *words = shlex.split(command)
    assert (program, train) == ("intro-dl", "train")
    return words


def built(cfg):
    validate(cfg)
    data = build_data(cfg)
    return data, build_model(cfg, data)


def steps(tab):
    return int(re.search(r"Step (\d+), epoch", panel(tab).inner_text())[1])


def measures(tab):
    return panel(tab).locator("table").inner_text()


def pixels(canvas):
    return canvas.evaluate(
        "(canvas) => [...canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data]"
        ".filter((_, n) => n % 97 === 0)"
    )


def plane(tab):
    return panel(tab).get_by_role("application", name="Decision regions")


def click_at(tab, x1, x2):
    """Click into the plane of own points, which shows [-3, 3]."""
    box = plane(tab).bounding_box()
    x, y = (44 + (x1 + 3) / 6 * 366) / 420, (376 - (x2 + 3) / 6 * 366) / 420
    tab.mouse.click(box["x"] + x * box["width"], box["y"] + y * box["height"])


def tensors(entries):
    return {name: torch.tensor(data, dtype=torch.float64).view(shape) for name, shape, data in entries}


@pytest.mark.parametrize(
    "state",
    [
        {},
        {"data": "moons", "hidden": [], "optimizer": "momentum", "rate": 0.5, "batch": "all", "seed": 3},
        {
            "data": "xor",
            "hidden": [16],
            "activation": "sigmoid",
            "init": "xavier",
            "noise": "0.35",
            "batch": "1",
        },
        {"arms": 5, "hidden": [3, 2, 4], "activation": "relu", "init": "he", "decay": 0.01, "pointSeed": 7},
        {"data": "two_gaussians", "noise": "2.25", "points": 64, "optimizer": "rmsprop", "rate": 0.001},
        {
            "data": "circles",
            "points": 32,
            "batch": "all",
            "optimizer": "adagrad",
            "init": "normal",
            "rate": 0.02,
        },
        {
            "data": "pass_class",
            "points": 16,
            "batch": "4",
            "optimizer": "adadelta",
            "rate": 1,
            "dropout": 0.25,
        },
        {"data": "circles", "optimizer": "sgd", "rate": 0.1, "activation": "identity", "init": "zeros"},
    ],
    ids=lambda state: " ".join(f"{key}={value}" for key, value in state.items()) or "defaults",
)
def test_the_command_trains_the_network_that_is_shown(tab, make_config, state):
    found = tab.evaluate(
        """(changes) => {
          const state = checkPlayground({...PLAYGROUND_DEFAULTS, ...changes});
          const trainer = new PlaygroundTrainer(state, pointsOfState(state));
          return {state, command: commandOfPlayground(state, 30), settings: trainer.optimizer.settings,
                  batches: trainer.stepsPerEpoch, size: trainer.nextIndices().length, sizes: trainer.sizes};
        }""",
        state,
    )
    assert {**found["state"], **state} == found["state"]  # the check accepts it
    cfg = make_config(*overrides(found["command"]))
    data, model = built(cfg)
    assert cfg.trainer.max_epochs == 30
    assert cfg.callbacks.early_stopping is None or cfg.trainer.overfit_batches
    assert type(data) is SETS[found["state"]["data"]]
    option = {"two_gaussians": "distance", "pass_class": None}.get(found["state"]["data"], "noise")
    if option:
        defaults = tab.evaluate("(name) => TOY_DATA[name].option.value", found["state"]["data"])
        assert getattr(data, option) == float(found["state"]["noise"] or defaults)
    assert data.split_seed == found["state"]["pointSeed"]
    loader = data.train_dataloader()
    assert next(iter(loader))[0].shape[0] == found["size"]
    assert min(len(loader), cfg.trainer.overfit_batches or len(loader)) == found["batches"]
    assert isinstance(model, MLP)
    assert [2, *model.hparams["hidden"], data.dims["num_classes"]] == found["sizes"]
    for key, name in {"activation": "activation", "init": "init", "dropout": "dropout"}.items():
        assert model.hparams[name] == found["state"][key]
    settings = {
        key: tuple(value) if isinstance(value, list) else value for key, value in found["settings"].items()
    }
    group = model.configure_optimizers().param_groups[0]
    assert {key: group[key] for key in settings} == settings
    assert cfg.seed == found["state"]["seed"]


@pytest.mark.parametrize(
    "state", [{"decay": 0.01, "rate": 0.03}, {"data": "moons", "points": 64, "optimizer": "momentum"}]
)
def test_a_hundred_steps_are_those_of_torch(tab, make_config, state):
    found = tab.evaluate(TRAIN, [state, 100])
    line = tab.evaluate("(changes) => commandOfPlayground({...PLAYGROUND_DEFAULTS, ...changes}, 20)", state)
    _, model = built(make_config(*overrides(line)))
    model.double().load_state_dict(tensors(found["before"]))
    optimizer = model.configure_optimizers()
    inputs = torch.tensor(found["inputs"], dtype=torch.float64).view(-1, 2)
    labels = torch.tensor(found["labels"], dtype=torch.int64)
    for batch, loss in zip(found["batches"], found["losses"], strict=True):
        optimizer.zero_grad()
        here = F.cross_entropy(model(inputs[batch]), labels[batch])
        here.backward()
        optimizer.step()
        assert float(here.detach()) == pytest.approx(loss, abs=1e-9)
    for name, weight in tensors(found["after"]).items():
        torch.testing.assert_close(model.state_dict()[name], weight, atol=1e-9, rtol=0)


def test_an_epoch_reads_each_point_once_and_few_points_keep_their_batches(tab):
    batches = tab.evaluate(TRAIN, [{}, 76])["batches"]
    for epoch in (batches[:38], batches[38:]):
        assert sorted(sum(epoch, [])) == list(range(600))
        assert [len(batch) for batch in epoch] == [16] * 37 + [8]
    assert batches[:38] != batches[38:]
    few = tab.evaluate(TRAIN, [{"points": 64}, 8])["batches"]
    assert few[:4] == few[4:]
    assert sorted(sum(few[:4], [])) == list(range(64))


@pytest.mark.parametrize("name", SETS)
def test_the_points_follow_the_rule_of_the_package(tab, name):
    drawn = tab.evaluate(
        "(name) => pointsOfState({...PLAYGROUND_DEFAULTS, data: name, arms: 3, pointSeed: 1})", name
    )
    many = SETS[name]().draw(30_000, torch.Generator().manual_seed(0))
    assert [len(drawn[split]["labels"]) for split in ("train", "test")] == [600, 200]
    inputs, labels = torch.tensor(drawn["train"]["inputs"]), torch.tensor(drawn["train"]["labels"])
    assert len(drawn["classes"]) == SETS[name]().dims["num_classes"]
    assert drawn["features"] == list(SETS[name].features)
    fractions = many[1].bincount() / len(many[1])
    assert (labels.bincount() / 600 - fractions).abs().max() < (0.08 if name == "pass_class" else 1e-4)
    for label in labels.unique():
        here, there = inputs[labels == label], many[0][many[1] == label]
        error = there.std(dim=0) / len(here) ** 0.5
        assert ((here.mean(dim=0) - there.mean(dim=0)).abs() < 4.5 * error).all()
        assert (here.std(dim=0) / there.std(dim=0) - 1).abs().max() < 0.2
        # Each point of the page has points of the package around it, and the other way round.
        distances = torch.cdist(here, there)
        assert distances.min(dim=1).values.median() < 0.1 * there.std()
        assert distances.min(dim=0).values.median() < 0.3 * there.std()
    scale = drawn["scale"]
    torch.testing.assert_close(torch.tensor(scale["mean"]), inputs.mean(dim=0), atol=1e-5, rtol=0)
    torch.testing.assert_close(torch.tensor(scale["std"]), inputs.std(dim=0, correction=0), atol=1e-5, rtol=0)


@pytest.mark.parametrize(("name", "rule"), [("xor", XOR), ("moons", Moons), ("circles", Circles)])
def test_without_noise_the_points_are_those_of_the_package(tab, name, rule):
    drawn = tab.evaluate("(name) => pointsOfState({...PLAYGROUND_DEFAULTS, data: name, noise: '0'})", name)
    inputs, labels = rule(noise=0).draw(600, torch.Generator())
    rows = [(*x, label) for x, label in zip(drawn["train"]["inputs"], drawn["train"]["labels"], strict=True)]
    here = torch.tensor(sorted((round(a, 4) + 0.0, round(b, 4) + 0.0, c) for a, b, c in rows))
    rows = torch.cat([inputs, labels[:, None]], dim=1).tolist()
    there = torch.tensor(sorted((round(a, 4) + 0.0, round(b, 4) + 0.0, c) for a, b, c in rows))
    torch.testing.assert_close(here, there, atol=2e-4, rtol=0)


CSV = {
    "": "own.csv is empty: write one line for each point, e.g. 0.5,-1.2,blue.",
    "x1,x2,class\n": "own.csv has no points: a classifier needs points of at least 2 classes.",
    "0.5,1\n": "Line 1 of own.csv has 2 of the 3 columns x1, x2, class: complete it, e.g. 0.5,-1.2,blue.",
    "x1,x2,class\n1,2,a\n1,b,b\n": 'Line 3 of own.csv: "b" is not a number between -1e9 and 1e9. '
    "Correct x1 and x2 there.",
    "1,2,a\n\n1,,b\n": 'Line 3 of own.csv: "" is not a number between -1e9 and 1e9. Correct x1 and x2 there.',
    "1,1e999,a": 'Line 1 of own.csv: "1e999" is not a number between -1e9 and 1e9. Correct x1 and x2 there.',
    "1,2,a\n3,4,a": "own.csv has one class: a classifier needs points of at least 2 classes.",
    "1,2,a\n3,4,\n": "Line 2 of own.csv has no class: write its name in the third column.",
    "x1,y,class\n1,2,a": "own.csv has no column x2: name the columns x1, x2, class.",
    "\n".join(f"1,2,{n}" for n in range(6)): "own.csv has 6 classes in its column class: keep at most 5.",
    "1,2,a\n" * 5001: "own.csv has 5001 points: keep at most 5000, so that the page stays fast.",
    "PK\0\0": "own.csv is not a text file: save the table as CSV (comma-separated values).",
}


def test_a_bad_file_of_points_gets_one_sentence(tab):
    read = """(text) => {
      try { return parsePointsCsv(text, "own.csv"); } catch (error) { return error.message; }
    }"""
    for text, sentence in CSV.items():
        assert tab.evaluate(read, text) == sentence
    for good in (
        "x1,x2,class\n1.5,-2,a\n0,1,b\n",
        "\ufeffclass;x2;x1\r\na;-2;1,5\r\nb;1;0\r\n",
        '"1.5","-2","a"\n0,1,b',
        "1.5\t-2\ta\n0\t1\tb",
    ):
        found = tab.evaluate(read, good)
        assert found["classes"] == ["a", "b"]
        assert sorted(zip(found["inputs"], found["labels"], strict=True)) == [([0, 1], 1), ([1.5, -2], 0)]


def test_own_points_come_by_click_key_and_file_and_leave_as_a_file(tab, tmp_path, make_config, monkeypatch):
    tab.reopen("#playground?data=own&hidden=4")
    press(tab, "Train")
    assert "Add points of at least two classes" in panel(tab).get_by_role("alert").first.inner_text()
    for x1, x2 in [(1, 1), (-1, -1)]:
        click_at(tab, x1, x2)
    tab.keyboard.press("2")
    click_at(tab, 1, -1)
    plane(tab).focus()
    tab.keyboard.press("ArrowLeft")
    tab.keyboard.press("Enter")
    inputs, labels = tab.evaluate(
        "(({inputs, labels}) => [inputs, labels])(pointsFromAddress(shownTab.state.own, ''))"
    )
    torch.testing.assert_close(
        torch.tensor(inputs[:3]), torch.tensor([[1.0, 1], [-1, -1], [1, -1]]), atol=0.02, rtol=0
    )
    assert inputs[3][0] < 0 and labels == [0, 0, 1, 1]
    press(tab, "Undo")
    press(tab, "One epoch")
    assert steps(tab) == 1
    assert panel(tab).locator(".command code").count() == 0  # three points are too few to split
    with tab.expect_download() as download:
        press(tab, "Save as CSV")
    rows = list(csv.reader(io.StringIO(download.value.path().read_text())))
    assert rows[0] == ["x1", "x2", "class"] and [row[2] for row in rows[1:]] == ["blue", "blue", "orange"]
    assert [[float(row[0]), float(row[1])] for row in rows[1:]] == inputs[:3]
    field = panel(tab).locator("input[type=file]")
    bad, good = tmp_path / "bad.csv", tmp_path / "good.csv"
    bad.write_text("1,2\n")
    good.write_text(
        "x1,x2,class\n" + "".join(f"{n},{n % 7},{'cat' if n % 2 else 'dog'}\n" for n in range(40))
    )
    field.set_input_files(bad)
    panel(tab).get_by_text("Line 1 of bad.csv has 2 of the 3 columns").wait_for()
    field.set_input_files(good)
    panel(tab).get_by_role("button", name="cat").wait_for()
    address = tab.evaluate("addressOf('playground', shownTab.state, PLAYGROUND_DEFAULTS)")
    press(tab, "One epoch")
    assert steps(tab) == 2  # 30 of the 40 points train, in batches of 16
    with tab.expect_download() as download:
        press(tab, "Save as CSV")
    download.value.save_as(tmp_path / download.value.suggested_filename)
    monkeypatch.chdir(tmp_path)
    data, model = built(make_config(*overrides(command(tab))))  # it reads the file that was saved
    assert data.description() == "40 rows, 2 features (x1, x2), 2 classes: 24 train, 8 val, 8 test"
    assert (data.class_names, data.features) == (("cat", "dog"), ("x1", "x2"))
    assert model.hparams["hidden"] == [4]
    rows = good.read_text().splitlines()[1:]
    written = sorted((*map(float, row.split(",")[:2]), row.split(",")[2]) for row in rows)
    read = [
        (*x, data.class_names[k])
        for xs, ks in data.splits.values()
        for x, k in zip(xs.tolist(), ks, strict=True)
    ]
    assert sorted(read) == written
    before = measures(tab)
    tab.reopen(f"{address}&steps=2")
    assert measures(tab) == before
    assert panel(tab).get_by_role("button", name="dog").is_visible()


def test_the_address_brings_back_the_points_the_weights_and_the_moment(tab):
    tab.reopen("#playground")
    choose = {
        "Data": "Moons",
        "Activation": "relu",
        "Initial weights": "he",
        "Optimizer": "Momentum",
        "Batch size": "4",
    }
    for label, option in choose.items():
        panel(tab).get_by_label(label, exact=True).select_option(option)
    press(tab, "Hidden layers: one more")
    press(tab, "Units of hidden 1: one less")
    panel(tab).get_by_label("Seed of the weights").fill("5")
    panel(tab).get_by_label("Learning rate").focus()
    for key in ("ArrowLeft", "ArrowLeft", "Tab"):
        tab.keyboard.press(key)
    press(tab, "One epoch")
    press(tab, "Step")
    assert steps(tab) == 151
    weights = "[...shownTab.play.trainer.network.parameters].map(([, {data}]) => [...data])"
    address, shown, line, before = tab.url, measures(tab), command(tab), tab.evaluate(weights)
    assert "hidden=7,8,8" in unquote(address) and "steps=151" in address
    tab.reopen("#" + address.partition("#")[2])
    assert (tab.url, measures(tab), command(tab)) == (address, shown, line)
    assert tab.evaluate(weights) == before
    tab.reopen("#playground?hidden=8,99&rate=-1&data=stars&steps=1e9")
    assert tab.evaluate("shownTab.state") == tab.evaluate("({run: 0, ...PLAYGROUND_DEFAULTS})")
    assert "The address has hidden=8,99" in tab.locator("#notice").inner_text()
    tab.reopen("#playground?data=bogus")
    assert "The address has data=bogus" in tab.locator("#notice").inner_text()


def test_space_trains_and_pauses_and_the_picture_changes(tab):
    tab.reopen("#playground")
    network = panel(tab).get_by_role("application", name="The network")
    first = pixels(plane(tab)), pixels(network)
    assert len(set(first[0])) > 10
    tab.keyboard.press("Space")
    tab.wait_for_function("() => shownTab.play.trainer.steps > 60")
    tab.keyboard.press("Space")
    stopped = steps(tab)
    assert panel(tab).get_by_role("button", name="Train", exact=True).is_visible()
    assert pixels(plane(tab)) != first[0] and pixels(network) != first[1]
    assert "train loss" in plane(tab).get_attribute("aria-label")
    assert "train accuracy" in tab.locator("#announcer").inner_text()
    tab.wait_for_timeout(200)
    assert steps(tab) == stopped
    press(tab, "Step")
    assert steps(tab) == stopped + 1
    press(tab, "Restart")
    assert steps(tab) == 0 and pixels(plane(tab)) == first[0]


def test_a_unit_shows_its_weights_and_its_region_alone(tab):
    tab.reopen("#playground?hidden=2&data=xor")
    whole = pixels(plane(tab))
    panel(tab).get_by_role("application", name="The network").focus()
    for key in ("ArrowRight", "ArrowRight", "ArrowLeft"):
        tab.keyboard.press(key)
    text = panel(tab).inner_text()
    number, sign = r"(-?[\d.]+)", "([+-])"
    formula = rf"unit 1: h = tanh\({number} {sign} {number} x1 {sign} {number} x2\), a line with two sides"
    start, sign1, w1, sign2, w2 = re.search(formula, text.replace("−", "-")).groups()
    sums = tab.evaluate(  # the network at (2, 1), before its activation
        """() => {
          const {network: {graph, parameters}, data: {scale}} = shownTab.play.trainer;
          const {inputs} = standardizedPoints({inputs: [[2, 1]], labels: [0]}, scale, Float32Array);
          return runGraph(graph, parameters, {[graph.inputs[0]]: inputs}).get(graph.nodes[0].name).data[0];
        }"""
    )
    line = float(start) + 2 * float(sign1 + w1) + float(sign2 + w2)
    assert line == pytest.approx(sums, abs=0.03)  # of numbers with two digits
    assert "Shown is hidden 1, unit 1 alone" in text
    assert pixels(plane(tab)) != whole


def test_the_student_of_the_slide_has_a_star_and_a_click_reads_a_place(tab):
    tab.reopen("#playground?data=pass_class&hidden=4")
    assert tab.evaluate("shownTab.play.plane.data.query") == list(PassClass.query)
    assert "Point at a place of the picture, or click" in panel(tab).inner_text()
    assert "The star is the student [4, 5] of lecture 000." in panel(tab).inner_text()
    star = """(query) => {
      const shown = pixels => pixels.getContext("2d").getImageData(0, 0, pixels.width, pixels.height).data;
      const {view, data} = shownTab.play.plane;
      return [...shown(pointsLayer({view, data: {...data, query}}, 1))].join();
    }"""
    assert tab.evaluate(star, [4, 5]) != tab.evaluate(star, None)
    click_at(tab, 0, 0)
    assert "probability of fail" in panel(tab).inner_text()


def test_a_rate_that_is_too_large_gets_a_note_and_a_link_to_the_reason(tab):
    tab.reopen("#playground")
    panel(tab).get_by_role("link", name="A rate too large").click()
    assert tab.evaluate("shownTab.state.activation") == "tanh"  # only the rate and the optimizer differ
    for _ in range(3):
        press(tab, "One epoch")
    note = panel(tab).get_by_role("alert").filter(has_text="each step overshoots the valley")
    assert re.search(
        r"The training loss was [\d.]+ after \d+ steps, and guessing has 0.69", note.inner_text()
    )
    note.get_by_role("link").click()
    assert tab.evaluate("[shownTab.name, shownTab.state.view]") == ["optimizers", "ball"]


def test_a_network_that_can_only_draw_a_line_is_told_so_on_xor(tab):
    tab.reopen("#playground")
    for name, told in (("XOR, no hidden layer", True), ("XOR, 2 hidden units", False)):
        panel(tab).get_by_role("link", name=name).click()
        for _ in range(6):
            press(tab, "One epoch")
        assert (panel(tab).get_by_text("No line separates the classes of XOR").count() == 1) is told
    assert tab.evaluate("shownTab.play.trainer.measures.test.accuracy") == 1
    assert panel(tab).locator(".tries a").count() <= 6


def test_a_rate_far_too_large_ends_in_a_sentence_and_without_edges(tab):
    tab.reopen("#playground?data=moons&activation=identity&optimizer=sgd&rate=3&speed=1")
    press(tab, "Train")
    problem = panel(tab).get_by_role("alert").filter(has_text="not finite")
    problem.wait_for()
    assert re.fullmatch(
        r"The loss is not finite after \d+ steps: the rate 3 is too large for this network: "
        r"each step overshoots the valley. Choose a smaller rate, e.g. 0.3, and press Restart. "
        r"See One ball, three rates in the tab Optimizers.",
        problem.inner_text(),
    )
    stopped = steps(tab)
    press(tab, "Train")
    press(tab, "Step")
    assert steps(tab) == stopped
    edges = """() => {
      let count = 0;
      const context = {beginPath() {}, moveTo() {}, lineTo() {}, stroke() { count++; }};
      drawEdges(context, shownTab.play.network, 1);
      return count;
    }"""
    assert tab.evaluate(edges) == 0
    weights = "shownTab.play.network.parameters.get(shownTab.play.network.layers[0].weight).data"
    tab.evaluate(f"{weights}.fill(1e30)")  # the loss may overflow before the weights do
    assert tab.evaluate(edges) == 0
    tab.evaluate(f"{weights}.fill(1)")
    assert tab.evaluate(edges) > 0
    tab.reopen("#playground?data=moons&activation=identity&optimizer=sgd&rate=0.3")
    press(tab, "One epoch")
    assert steps(tab) == 38 and not panel(tab).get_by_role("alert").first.is_visible()


def test_zeros_keep_all_units_equal_and_xor_needs_a_hidden_layer(tab):
    accuracy = """(changes) => {
      const state = {...PLAYGROUND_DEFAULTS, rate: 0.03, ...changes};
      const trainer = new PlaygroundTrainer(state, pointsOfState(state));
      for (let n = 0; n < 400; n++) trainer.step();
      const weights = [...trainer.network.parameters.values()].map(({data}) => [...data]);
      return [trainer.measure().test.accuracy, weights];
    }"""
    line, _ = tab.evaluate(accuracy, {"data": "xor", "hidden": []})
    hidden, _ = tab.evaluate(accuracy, {"data": "xor", "hidden": [4]})
    assert line <= 0.76 and hidden >= 0.99
    _, [first, *_] = tab.evaluate(accuracy, {"data": "moons", "hidden": [4], "init": "zeros"})
    assert first[:2] * 4 == first


def test_a_frame_of_training_leaves_time_for_sixty_a_second(page_with):
    tab = page_with()
    tab.add_init_script(TIME_FRAMES)
    tab.reopen("#playground?speed=25")
    press(tab, "Train")
    tab.wait_for_timeout(1500)
    press(tab, "Pause")
    work = tab.evaluate("frameWork")
    assert len(work) > 20
    assert median(work) <= 16.7 * 0.75


def test_a_run_shows_its_own_network_and_test_points(page_with):
    torch.manual_seed(0)
    dims = {"in_shape": (2,), "num_classes": 3}
    model = MLP(**dims, hidden=[5], activation="tanh", init="normal", sigma=2.0).eval()
    data = Spirals()
    data.setup()
    inputs, labels = data.splits["test"]
    loaded = SimpleNamespace(model=model, kind="points", metadata={"dims": dims})
    graph, weights = to_graph(Portable(loaded))
    entry = {
        "title": "MLP on Spirals", "kind": "points", "classes": ["0", "1", "2"],
        "command": "intro-dl train model=mlp",
        "graph": graph, "weights": {key: pack(weight) for key, weight in weights.items()}, "parameters": 33,
        "mean": data.mean.tolist(), "std": data.std.tolist(), "features": ["x1", "x2"], "result": None,
        "points": {"inputs": inputs.tolist(), "labels": labels.tolist()},
    }  # fmt: skip
    tab = page_with([entry], "#playground?data=run")
    scores = model(data.transform(inputs)).detach()
    accuracy = (scores.argmax(dim=1) == labels).double().mean()
    assert f"{100 * accuracy:.1f} %" in measures(tab)
    assert f"{F.cross_entropy(scores, labels):.3g}" in measures(tab)
    assert command(tab) == entry["command"]
    assert panel(tab).get_by_role("button", name="Train", exact=True).count() == 0
    found = tab.evaluate(
        "(() => { const {play} = shownTab; const p = play.values.get('probabilities');"
        "return [play.plane.view, [...p.data], play.network.sizes]; })()"
    )
    view, chances, sizes = found
    assert sizes == [2, 5, 3]
    side = 50
    x1 = view["left"] + (torch.arange(side) + 0.5) / side * (view["right"] - view["left"])
    x2 = view["top"] - (torch.arange(side) + 0.5) / side * (view["top"] - view["bottom"])
    grid = torch.stack([x1.repeat(side), x2.repeat_interleave(side)], dim=1)
    expected = model(data.transform(grid)).softmax(dim=1).detach()
    torch.testing.assert_close(torch.tensor(chances).view(-1, 3), expected, atol=1e-4, rtol=0)


def test_a_wide_layer_shows_its_first_units_and_the_region_of_all(page_with):
    torch.manual_seed(0)
    dims = {"in_shape": (2,), "num_classes": 2}
    model = MLP(**dims, hidden=[200, 100], activation="relu").eval()
    graph, weights = to_graph(Portable(SimpleNamespace(model=model, kind="points", metadata={"dims": dims})))
    entry = {
        "title": "MLP on PassClass", "data": "PassClass", "kind": "points", "classes": ["fail", "pass"],
        "command": "intro-dl train model=mlp", "graph": graph, "parameters": 20902, "result": None,
        "weights": {key: pack(weight) for key, weight in weights.items()}, "mean": [4, 5], "std": [2, 3],
        "features": ["lectures attended", "hours on the project"],
        "points": {"inputs": [[1, 2], [7, 8]], "labels": [0, 1]},
    }  # fmt: skip
    tab = page_with([entry], "#playground?data=run")
    assert tab.evaluate("shownTab.play.network.sizes") == [2, 12, 12, 2]
    assert tab.evaluate("shownTab.play.network.canvas.design.height") < 500
    panel(tab).get_by_role("application", name="The network").focus()
    for key in ("ArrowRight", "ArrowRight"):
        tab.keyboard.press(key)
    assert "h12 + 188 more), a combination of the units h1, h2, ... of hidden 1" in panel(tab).inner_text()
    chances = torch.tensor(tab.evaluate("[...shownTab.play.values.get('probabilities').data]")).view(-1, 2)
    x1, x2 = tab.evaluate(
        "placeAt(shownTab.play.plane.view, 44 + 366 / 100, 10 + 366 / 100)"
    )  # the first cell
    expected = model((torch.tensor([[x1, x2]]) - torch.tensor([4, 5])) / torch.tensor([2, 3])).softmax(dim=1)
    torch.testing.assert_close(chances[:1], expected.detach(), atol=1e-4, rtol=0)


def test_under_reduced_motion_the_picture_changes_rarely(page_with):
    tab = page_with(address="#playground", reduced_motion="reduce")
    tab.evaluate(
        "window.painted = 0; const paint = paintPlane;"
        "paintPlane = (play) => { painted += 1; paint(play); }; 0"
    )
    press(tab, "Train")
    tab.wait_for_function("() => shownTab.play.frames >= 61")
    press(tab, "Pause")
    frames, painted = tab.evaluate("[shownTab.play.frames, painted]")
    assert painted <= frames // 30 + 1
