"""The tab Convolution: its maps are those of torch, and the sum under the cursor is the number of the map."""

import re

import pytest
import torch
from torch.nn.functional import conv2d

NUMBER = r"(\u2212?[\d.]+)"


@pytest.fixture(scope="module")
def tab(page_with):
    return page_with(address="#convolution", has_touch=True, viewport={"width": 1280, "height": 1200})


def convolved(tab, **state):
    """Return what the page computes of a state: tensors, and the numbers of the state."""
    found = tab.evaluate(
        """(changes) => {
            const defaults = TABS.find((tab) => tab.name === "convolution").defaults;
            const state = checkConvolution({...structuredClone(defaults), ...changes});
            const { image, kernel: {weights, bias}, map } = convolveState(state);
            const plain = (tensor) => [tensor.shape, Array.from(tensor.data)];
            return {state, image: plain(image), kernel: plain(weights), bias, map: plain(map)};
        }""",
        state,
    )
    for name in ("image", "kernel", "map"):
        shape, numbers = found[name]
        found[name] = torch.tensor(numbers, dtype=torch.float64).view(shape)
    return found


def by_torch(found):
    options = {"stride": found["state"]["stride"], "padding": found["state"]["padding"]}
    return conv2d(found["image"][None, None], found["kernel"][None, None], **options)[0, 0] + found["bias"]


def shown(tab, canvas, row, column):
    """Open the place of a map by mouse, and return the row, the column and the sum that the page shows."""
    cells = tab.evaluate("Math.max(...convolveState(TABS.find(t => t.visible).state).map.shape)")
    box = tab.get_by_role("application").nth(canvas).bounding_box()
    tab.mouse.move(
        box["x"] + (column + 0.5) / cells * box["width"], box["y"] + (row + 0.5) / cells * box["height"]
    )
    return place(tab)


def place(tab):
    text = tab.get_by_role("tabpanel").get_by_text("products add up to").inner_text()
    row, column, _, total = re.match(
        rf"Row (\d+), column (\d+) .* (\d+) products add up to {NUMBER}", text
    ).groups()
    return int(row), int(column), float(total.replace("\u2212", "-"))


@pytest.mark.parametrize("picture", ["shapes", "ramp", "noise"])
def test_every_kernel_gives_the_map_of_torch(tab, picture):
    kernels = tab.evaluate("Object.keys(CONVOLUTION_KERNELS)")
    assert len(kernels) >= 7
    own = [round(0.3 * n - 3.1, 2) for n in range(25)]
    cases = [{"kernel": name} for name in kernels] + [{"kernel": "own", "weights": own}]
    for n, case in enumerate(cases):
        for stride, padding in [(1, 0), (1 + n % 3, n % 4)]:
            found = convolved(tab, picture=picture, stride=stride, padding=padding, shift=n % 5, **case)
            assert found["state"]["kernel"] == case["kernel"]
            torch.testing.assert_close(found["map"], by_torch(found), rtol=0, atol=1e-12)


def test_the_slides_difference_of_the_slides_signal(tab):
    found = convolved(tab, picture="ramp", kernel="difference")
    assert found["map"][4].tolist() == [0, 0, 1, 1, 1, 1, 0, 0, 0]


def test_a_shifted_image_has_a_shifted_map(tab):
    still, moved = (convolved(tab, kernel="vertical", shift=shift)["map"] for shift in (0, 3))
    torch.testing.assert_close(moved[:, 4:], still[:, 1:-3])


def test_mouse_touch_and_arrow_keys_move_the_window_and_the_sum_is_that_of_torch(tab):
    tab.reopen("#convolution?kernel=sharpen&padding=1&stride=2")
    expected = by_torch(convolved(tab, kernel="sharpen", padding=1, stride=2))
    for row, column in [(0, 0), (1, 1), (3, 2), (5, 5)]:
        assert shown(tab, 1, row, column) == (
            row,
            column,
            pytest.approx(expected[row, column].item(), abs=5e-3),
        )
    assert "row=5&column=5" in tab.url
    canvas = tab.get_by_role("application").nth(1)
    canvas.focus()
    for key, place_after in [
        ("ArrowLeft", (5, 4)),
        ("ArrowUp", (4, 4)),
        ("ArrowRight", (4, 5)),
        ("ArrowRight", (4, 5)),
    ]:
        tab.keyboard.press(key)
        assert place(tab)[:2] == place_after
    assert place(tab)[2] == pytest.approx(expected[4, 5].item(), abs=5e-3)
    assert "row 4, column 5" in canvas.get_attribute("aria-label")
    box = tab.get_by_role("application").nth(0).bounding_box()
    tab.touchscreen.tap(box["x"] + 4, box["y"] + 4)
    assert place(tab)[:2] == (0, 0)


def test_an_edited_weight_changes_the_map_and_comes_back_from_the_address(tab):
    tab.reopen("#convolution?kernel=identity")
    field = tab.get_by_label("Weight in row 1, column 2")
    field.fill("-2.5")
    field.press("Tab")
    assert "kernel=own&weights=0,0,0,0,1,-2.5,0,0,0" in tab.url
    before = tab.evaluate("Array.from(convolveState(TABS.find(t => t.visible).state).map.data)")
    tab.reload()
    assert tab.get_by_label("Weight in row 1, column 2").input_value() == "-2.5"
    assert tab.evaluate("Array.from(convolveState(TABS.find(t => t.visible).state).map.data)") == before
    assert min(before) == -2.5


def test_a_larger_kernel_keeps_its_weights_in_the_middle(tab):
    tab.reopen("#convolution?kernel=edges")
    tab.get_by_label("Size", exact=True).select_option("5x5")
    kernel = torch.tensor(tab.evaluate("TABS.find(t => t.visible).state.weights")).view(5, 5)
    assert kernel[1:4, 1:4].flatten().tolist() == [-1, -1, -1, -1, 8, -1, -1, -1, -1]
    assert kernel.abs().sum() == 16


@pytest.mark.parametrize(("stride", "padding", "kernel"), [(1, 0, "edges"), (2, 1, "edges"), (3, 2, "blur5")])
def test_the_formula_has_the_size_of_the_map(tab, stride, padding, kernel):
    tab.reopen(f"#convolution?stride={stride}&padding={padding}&kernel={kernel}")
    found = convolved(tab, stride=stride, padding=padding, kernel=kernel)
    side, height = found["map"].shape[0], found["image"].shape[0]
    formula = (
        rf"\({height} \+ 2 \u00b7 {padding} \u2212 {found['kernel'].shape[0]}\) / {stride} \+ 1 = {side}\b"
    )
    text = tab.get_by_role("tabpanel").inner_text()
    assert re.search(formula, text)
    assert by_torch(found).shape == (side, side)
    assert f"{height**2} \u00d7 {side**2} = {height**2 * side**2:,} weights" in text


def test_a_learned_filter_gives_the_feature_map_of_the_network(tab):
    assert tab.evaluate("RUNS[FIRST_FILTER_RUN].model") == "LeNet"
    difference = tab.evaluate(
        """() => {
            const tab = TABS.find((tab) => tab.name === "convolution");
            const state = {...tab.defaults, ...learnedStart(FIRST_FILTER_RUN, 4), example: 7};
            const entry = RUNS[FIRST_FILTER_RUN];
            const { map } = convolveState(checkConvolution(state));
            const { graph, parameters } = loadModel(entry, Float64Array);
            const bytes = decodeBase64(entry.examples[7].pixels);
            const pixels = Float64Array.from(bytes, (byte) => (byte / 255 - entry.mean[0]) / entry.std[0]);
            const images = new Tensor([1, ...entry.in_shape], pixels);
            const values = runGraph(graph, parameters, {[graph.inputs[0]]: images});
            const layer = values.get(graph.nodes.find(({op}) => op === "conv2d").name);
            const expected = layer.data.subarray(3 * map.size, 4 * map.size);
            return Math.max(...map.data.map((value, i) => Math.abs(value - expected[i])));
        }"""
    )
    assert difference < 1e-12
    tab.get_by_role("link", name="A filter that a network learned").click()
    assert "intro-dl train model=lenet" in tab.get_by_role("tabpanel").inner_text()
