"""The tab Draw: it prepares a drawing as `predict` does, and answers as the network in PyTorch."""

import json
from base64 import b64decode

import numpy as np
import PIL
import pytest
import torch
from PIL import Image

from intro_dl.data.images import Digits, normalize
from intro_dl.inference.inputs import read_picture
from intro_dl.models.lenet import LeNet
from intro_dl.page.weights import unpack
from intro_dl.page.write import shipped

ENTRY = shipped()[0]
SAME_ORDER = int(PIL.__version__.split(".")[0]) >= 13  # from here on, Pillow may scale the columns first

# Helpers in the page: bytes as text, and pointer events on the sheet.
HELPERS = """() => {
    window.toText = (bytes) => {
        let text = "";
        for (let k = 0; k < bytes.length; k += 8192) {
            text += String.fromCharCode(...bytes.subarray(k, k + 8192));
        }
        return btoa(text);
    };
    window.sheet = document.querySelector(".sheet");
    window.send = (type, [x, y]) => {
        const box = sheet.getBoundingClientRect();
        const place = {clientX: box.left + (x * box.width) / 280, clientY: box.top + (y * box.height) / 280};
        const pointer = {pointerId: 1, button: type === "pointermove" ? -1 : 0, buttons: 1, bubbles: true};
        sheet.dispatchEvent(new PointerEvent(type, {...pointer, ...place}));
    };
    window.pointerStroke = (points) => {
        send("pointerdown", points[0]);
        for (const point of points.slice(1)) send("pointermove", point);
        send("pointerup", points.at(-1));
    };
    window.greyOf = (strokes, pen) => {
        const canvas = element("canvas", {width: 280, height: 280});
        const context = canvas.getContext("2d", {willReadFrequently: true});
        paintStrokes(context, strokes, pen);
        return greyOfCanvas(context);
    };
    window.answerShown = () => document.querySelector(".answer-letter").textContent;
    // What is drawn is in the address, so that the pixels can be painted from there.
    window.drawnPixels = () => greyOf(strokesOfText(TABS[0].state.strokes), penOfRun(RUNS[0])).data;
}"""

ADDRESS = "addressOf('draw', TABS[0].state, TABS[0].defaults)"  # the browser's own may come later
SEVEN = [(70, 60), (200, 60), (170, 120), (140, 225)]


@pytest.fixture(scope="module")
def tab(page_with):
    tab = page_with(address="#draw?example=-1")
    tab.evaluate(HELPERS)
    return tab


@pytest.fixture
def sheet(tab):
    """Return the blank sheet."""
    tab.locator("#panel-draw").get_by_role("button", name="Clear").click()
    return tab.locator(".sheet")


@pytest.fixture(scope="module")
def model():
    model = LeNet((1, 28, 28), 10)
    model.load_state_dict({name: unpack(weight) for name, weight in ENTRY["weights"].items()})
    return model.eval()


def metadata(**changes):
    return {"dims": {"in_shape": (1, 28, 28)}, "background": "dark", "digit_box": 28} | changes


def of_text(text: str) -> np.ndarray:
    return np.frombuffer(b64decode(text), np.uint8)


def draw_by_mouse(tab, strokes):
    """Draw strokes of points in the 280 units of the sheet."""
    box = tab.locator(".sheet").bounding_box()
    to_page = [
        [(box["x"] + x * box["width"] / 280, box["y"] + y * box["height"] / 280) for x, y in s]
        for s in strokes
    ]
    for points in to_page:
        tab.mouse.move(*points[0])
        tab.mouse.down()
        for point in points[1:]:
            tab.mouse.move(*point)
        tab.mouse.up()


def random_strokes(generator) -> list[list[list[int]]]:
    """Return one to four strokes, at times in two halves of the sheet, or on a straight line."""
    strokes = []
    for number in range(generator.integers(1, 5)):
        points = generator.integers(0, 281, (generator.integers(1, 7), 2))
        if generator.random() < 0.5:
            points[:, 0] = points[:, 0] // 4 + 180 * (number % 2)
        if generator.random() < 0.2:
            points[:, generator.integers(2)] = 140
        strokes.append(points.tolist())
    return strokes


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"digit_box": 20},
        {"digit_box": 20, "background": "light"},
        {"digit_box": None},
        {"digit_box": 20, "dims": {"in_shape": (1, 20, 33)}},
        {"digit_box": None, "dims": {"in_shape": (1, 20, 33)}},
    ],
)
def test_a_drawing_is_prepared_to_the_same_pixels_as_by_predict(tab, changes):
    known = metadata(**changes)
    run = {"in_shape": known["dims"]["in_shape"], **{key: known[key] for key in ("background", "digit_box")}}
    generator = np.random.default_rng(len(str(changes)))
    drawings = [(random_strokes(generator), int(generator.integers(8, 51))) for _ in range(20)]
    found = tab.evaluate(
        """([drawings, run]) => drawings.map(([strokes, pen]) => {
            const image = greyOf(strokes, pen);
            const {pixels, steps} = prepareDrawing(image, run);
            return [toText(image.data), toText(pixels), steps];
        })""",
        [drawings, run],
    )
    differences, all_steps = [], []
    for sheet, pixels, steps in found:
        expected, expected_steps = read_picture(Image.fromarray(of_text(sheet).reshape(280, 280)), known)
        assert steps == expected_steps
        differences.append(int(np.abs(of_text(pixels).astype(int) - expected.ravel()).max()))
        all_steps += steps
    assert max(differences) <= (0 if SAME_ORDER else 8), differences
    assert any("drawings" in step for step in all_steps) == (known["digit_box"] is not None)


def thinned(ink: np.ndarray) -> np.ndarray:
    """Return lines one pixel thick (Zhang and Suen, 1984)."""
    ink = np.pad(ink, 1)
    while True:
        before = ink.copy()
        for first in (0, 2):
            moves = (
                (1, 0),
                (1, -1),
                (0, -1),
                (-1, -1),
                (-1, 0),
                (-1, 1),
                (0, 1),
                (1, 1),
            )  # clockwise from above
            near = [np.roll(ink, move, (0, 1)) for move in moves]
            count = np.sum(near, axis=0)
            changes = np.sum([~near[k] & near[(k + 1) % 8] for k in range(8)], axis=0)
            up, right, down, left = near[::2]
            outer = (
                ~(up & right & down) & ~(right & down & left),
                ~(up & right & left) & ~(up & down & left),
            )
            ink = ink & ~((count >= 2) & (count <= 6) & (changes == 1) & outer[first // 2])
        if (ink == before).all():
            return ink[1:-1, 1:-1]


def strokes_of(image: np.ndarray) -> list[list[tuple[float, float]]]:
    """Return the strokes of a pen that draw a test digit (28, 28) as large as the sheet."""
    points = {(int(x), int(y)) for y, x in np.argwhere(thinned(image > 100))}
    left, strokes = set(points), []
    moves = ((0, -1), (0, 1), (-1, 0), (1, 0), (-1, -1), (1, -1), (-1, 1), (1, 1))

    def near(point):
        return [q for dx, dy in moves if (q := (point[0] + dx, point[1] + dy)) in points]

    while left:  # a stroke begins at an end of a line, or where it meets a stroke that is drawn
        start = min(left, key=lambda point: (all(q in left for q in near(point)), len(near(point)), point[1]))
        path = [q for q in near(start) if q not in left][:1] + [start]
        left.discard(start)
        while ahead := [q for q in near(path[-1]) if q in left]:
            path.append(ahead[0])
            left.discard(ahead[0])
        path += [q for q in near(path[-1]) if len(path) > 3 and q not in path[-3:]][:1]  # closes a loop
        strokes.append([(9 * x + 18.5, 9 * y + 18.5) for x, y in path])
    return strokes


def test_200_test_digits_drawn_on_the_sheet_are_read_as_by_predict(tab, sheet, model):
    data = Digits()
    data.setup("test")
    images, labels = (part[:200] for part in data.splits["test"])
    drawings = [strokes_of(image.numpy()) for image in images[:, 0]]
    read = "() => [answerShown(), toText(drawnPixels())]"
    found = []
    for drawing in drawings[:3]:  # by the mouse itself; the others by the events that a mouse sends
        draw_by_mouse(tab, [[*points[:-1:2], points[-1]] for points in drawing])
        found.append(tab.evaluate(read))
        tab.locator("#panel-draw").get_by_role("button", name="Clear").click()
    found += tab.evaluate(
        f"""(drawings) => drawings.map((drawing) => {{
            document.querySelector(".sheet-column button").click();
            drawing.forEach(pointerStroke);
            return ({read})();
        }})""",
        drawings[3:],
    )
    pictures = [Image.fromarray(of_text(text).reshape(280, 280)) for _, text in found]
    pixels = torch.from_numpy(np.stack([read_picture(each, metadata())[0] for each in pictures]))
    with torch.no_grad():
        expected = model(normalize(pixels, ENTRY["mean"], ENTRY["std"])).argmax(dim=1)
    answers = torch.tensor([int(answer) for answer, _ in found])
    assert (answers == expected).sum() >= 199
    right = [(each == labels).sum().item() for each in (answers, expected)]
    print(f"{right[0]} of 200 digits drawn in the page are read right; by predict, {right[1]}")
    assert abs(right[0] - right[1]) <= 1
    assert right[1] >= 160


def test_a_blank_sheet_gets_no_answer(tab, sheet):
    card = tab.locator(".answer-card")
    assert "Draw a digit." in card.inner_text()
    assert not card.locator(".bars").is_visible()
    draw_by_mouse(tab, [SEVEN])
    assert card.locator(".answer-letter").inner_text() == "7"
    assert card.locator(".bars").is_visible()
    tab.get_by_role("button", name="Undo").click()
    assert "Draw a digit." in card.inner_text()
    draw_by_mouse(tab, [SEVEN])
    tab.get_by_role("button", name="Clear").click()
    assert "Draw a digit." in card.inner_text()
    assert tab.locator("#announcer").inner_text() == "The sheet is blank: draw a digit."


def test_undo_takes_back_strokes_and_clear(tab, sheet):
    strokes = "TABS[0].state.strokes"
    texts = []
    for points in (SEVEN, [(110, 140), (190, 140)]):
        draw_by_mouse(tab, [points])
        texts.append(tab.evaluate(strokes))
    assert texts[1].startswith(texts[0] + ".")
    tab.get_by_role("button", name="Clear").click()
    assert tab.evaluate(strokes) == ""
    for expected in (texts[1], texts[0], ""):
        tab.keyboard.press("Control+z")
        assert tab.evaluate(strokes) == expected


def test_the_keyboard_draws(tab, sheet):
    sheet.focus()
    before = tab.evaluate("scrollY")
    for key, times in (("ArrowUp", 7), (" ", 1), ("ArrowDown", 14), (" ", 1), ("ArrowRight", 3)):
        for _ in range(times):
            tab.keyboard.press(key)
    assert tab.evaluate("strokesOfText(TABS[0].state.strokes)") == [
        [[140, y] for y in range(70, 211, 10)],
    ]
    assert tab.evaluate("answerShown()") == "1"
    assert tab.evaluate("scrollY") == before


def test_a_finger_draws_and_does_not_scroll(page_with):
    phone = page_with(
        address="#draw?example=-1", viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True
    )
    phone.locator(".sheet").evaluate("(sheet) => sheet.scrollIntoView({block: 'center'})")
    box, before = phone.locator(".sheet").bounding_box(), phone.evaluate("scrollY")
    session = phone.context.new_cdp_session(phone)

    def touch(kind, *points):
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": list(points)})

    x = box["x"] + box["width"] / 2
    places = np.linspace(box["y"] + box["height"] - 30, box["y"] + 30, 12).tolist()
    touch("touchStart", {"x": x, "y": places[0]})
    for y in places[1:]:
        touch("touchMove", {"x": x, "y": y})
    touch("touchEnd")
    assert phone.evaluate("scrollY") == before
    (stroke,) = phone.evaluate("strokesOfText(TABS[0].state.strokes)")
    assert len(stroke) == 12
    assert phone.get_by_text("By keyboard").is_hidden()
    assert phone.locator(".answer-letter").inner_text() in "0123456789"


def test_a_tap_leaves_a_dot(tab, sheet):
    draw_by_mouse(tab, [[(140, 140)]])
    ink = tab.evaluate("drawnPixels().filter((value) => value < 128).length")
    pen = tab.evaluate("penOfRun(RUNS[0])")
    assert abs(ink - np.pi * pen**2 / 4) < 20
    assert tab.evaluate("answerShown()") in "0123456789"


def test_the_suggested_4_is_read_wrong_because_its_lines_are_thin(tab):
    answers = tab.evaluate(
        """() => [8, penOfRun(RUNS[0])].map((pen) => {
            const {pixels} = prepareDrawing(greyOf(strokesOfText(LARGE_FOUR), pen), RUNS[0]);
            return readPixels(RUNS[0], pixels).answer;
        })"""
    )
    assert answers[0] != 4 and answers[1] == 4


def test_a_small_drawing_says_how_much_it_was_enlarged(tab):
    tab.get_by_role("link", name="A small 7 in a corner").click()
    said = tab.locator(".preparation").inner_text()
    assert "inverted, cut out and enlarged 2.8 times, lines too: its place on the sheet is lost." in said


def test_the_worst_mistake_is_that_of_the_run_that_made_it(tab):
    link = tab.get_by_role("link", name="The worst mistake of LeNet on Digits")
    tab.get_by_role("link", name="Two digits at once").click()
    tab.locator(".closer h3", has_text="stage1.0").wait_for()
    tab.get_by_label("Run", exact=True).first.select_option(index=1)
    tab.locator(".closer h3", has_text="Unit").wait_for()
    assert tab.locator(".closer .card").count() == 1  # not also that of the run before
    link.click()
    assert tab.evaluate("TABS[0].state.run") == 0
    assert "and a mistake: the network says" in tab.locator(".answer-card").inner_text()


def test_saliency_is_the_gradient_of_autograd(tab, model):
    example = next(each for each in ENTRY["examples"] if each.get("mistake"))
    pixels = torch.tensor(of_text(example["pixels"])).reshape(1, 1, 28, 28) / 255
    for target in (example["label"], example["predicted"]):
        pixels.requires_grad_(True)
        logits = model((pixels - ENTRY["mean"][0]) / ENTRY["std"][0])
        (expected,) = torch.autograd.grad(logits[0, target], pixels)
        found = tab.evaluate(
            """([place, target]) => {
                const run = RUNS[0];
                const reading = readPixels(run, pixelsOfExample(run.examples[place]));
                return [...saliencyOf(run, reading, target).data];
            }""",
            [ENTRY["examples"].index(example), target],
        )
        assert np.abs(np.array(found) - expected.abs().numpy().ravel()).max() <= 1e-5
        assert max(found) > 0.01


def test_the_address_brings_a_drawing_back(tab, sheet, page_with):
    draw_by_mouse(tab, [SEVEN])
    shown = "document.querySelector('.answer-card').innerText.replace(/in [\\d.]+ ms/, '')"
    again = page_with(address=tab.evaluate(ADDRESS))
    again.evaluate(HELPERS)
    for value in ("toText(drawnPixels())", "answerShown()", shown):
        assert again.evaluate(value) == tab.evaluate(value)


def test_predict_reads_the_saved_drawing_to_the_same_pixels(tab, sheet, tmp_path):
    draw_by_mouse(tab, [SEVEN])
    with tab.expect_download() as download:
        tab.get_by_role("button", name="Save PNG").click()
    assert download.value.suggested_filename == "drawing.png"
    download.value.save_as(tmp_path / "drawing.png")
    pixels = tab.evaluate(
        "toText(prepareDrawing({data: drawnPixels(), width: 280, height: 280}, RUNS[0]).pixels)"
    )
    expected, _ = read_picture(tmp_path / "drawing.png", metadata())
    assert np.abs(of_text(pixels).astype(int) - expected.ravel()).max() <= (0 if SAME_ORDER else 8)


def test_a_mistake_is_shown_with_the_true_class(tab):
    place, example = next((n, each) for n, each in enumerate(ENTRY["examples"]) if each.get("mistake"))
    tab.locator(".mistakes button").first.click()
    sentence = f"the network says {example['predicted']}, it is {example['label']}."
    assert sentence in tab.locator(".answer-card").inner_text()
    assert tab.evaluate("answerShown()") == str(example["predicted"])
    assert f"example={place}" in tab.evaluate(ADDRESS)


def test_a_map_shows_its_filter_and_stays_in_the_address(tab):
    tab.locator(".tiles").first.get_by_role("button").first.wait_for()
    grid = tab.get_by_role("group", name="Feature maps of stage1.0")
    grid.get_by_role("button").nth(2).focus()
    tab.keyboard.press("Enter")
    tab.keyboard.press("ArrowRight")
    assert "Map 3 of stage1.0" in tab.locator(".closer").inner_text()
    assert "unit=3" in tab.evaluate(ADDRESS)
    blank = """() => [...document.querySelectorAll(".closer canvas, .layer-list canvas")]
        .filter((each) => each.width > 1 && each.checkVisibility())
        .map((each) => each.getContext("2d").getImageData(0, 0, each.width, each.height).data)
        .filter((pixels) => new Set(pixels).size < 3).length"""
    assert tab.evaluate(blank) == 0


def test_photographs_cannot_be_drawn_but_test_images_can_be_chosen(page_with):
    entry = json.loads(json.dumps(ENTRY)) | {"background": None, "digit_box": None}
    tab = page_with([entry], address="#draw")
    before = tab.evaluate(ADDRESS)
    assert tab.get_by_role("button", name="Clear").is_hidden()
    draw_by_mouse(tab, [SEVEN])
    assert tab.evaluate(ADDRESS) == before
    tab.get_by_role("button", name="Load a test image: 7").first.click()
    assert tab.locator(".answer-letter").inner_text() == "7"
