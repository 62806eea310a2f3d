"""The tab Optimizers: the paths of torch, the surfaces, divergence, and the page itself."""

import re

import pytest
import torch

from intro_dl.figures.catalog import all_scripts
from intro_dl.lectures.engine.claims import all_claims
from tests.conftest import ROOT

SIX = ("sgd", "momentum", "adagrad", "adadelta", "rmsprop", "adam")
SURFACES = ("bowl", "rosenbrock", "beale", "saddle", "minima", "plateau")


def bump(x, y, u, v):
    return torch.exp(-1.3 * ((x - u) ** 2 + (y - v) ** 2))


def surface(name, x, y):
    """Return f(x, y) as the page states it in words."""
    return {
        "bowl": lambda: (x**2 + 10 * y**2) / 2,
        "rosenbrock": lambda: (1 - x) ** 2 + 100 * (y - x**2) ** 2,
        "beale": lambda: (1.5 - x + x * y) ** 2 + (2.25 - x + x * y**2) ** 2 + (2.625 - x + x * y**3) ** 2,
        "saddle": lambda: x**2 / 2 + (y**2 - 1) ** 2 / 4,
        "minima": lambda: (
            2 - 1.9 * bump(x, y, 0.8, -0.8) - 1.3 * bump(x, y, -1, 0.2) + 1.2 * bump(x, y, 0.5, 1.2)
        ),
        "plateau": lambda: 1 - torch.exp(-(x**2 + y**2) / 2),
    }[name]()


def torch_path(name, optimizer, start, rate, steps=100, momentum=0.9):
    """Return the path (steps + 1, 2) of an optimizer of torch on a surface."""
    point = torch.tensor(start, dtype=torch.float64, requires_grad=True)
    rule = {
        "sgd": lambda: torch.optim.SGD([point], lr=rate),
        "momentum": lambda: torch.optim.SGD([point], lr=rate, momentum=momentum),
        "adagrad": lambda: torch.optim.Adagrad([point], lr=rate),
        "adadelta": lambda: torch.optim.Adadelta([point], lr=rate),
        "rmsprop": lambda: torch.optim.RMSprop([point], lr=rate),
        "adam": lambda: torch.optim.Adam([point], lr=rate),
    }[optimizer]()
    path = [point.detach().clone()]
    for _ in range(steps):
        rule.zero_grad()
        surface(name, *point).backward()
        rule.step()
        path.append(point.detach().clone())
    return torch.stack(path)


@pytest.fixture(scope="module")
def tab(page_with):
    return page_with(address="#optimizers")


RUN_RACE = """([values, steps]) => {
  const race = new Race(raceSetup(checkOptimizersState({ ...OPTIMIZERS_DEFAULTS, ...values })));
  race.advance(steps);
  return race.racers.map((racer) => ({
    name: racer.name, lr: racer.settings.lr, path: racer.path, arrived: racer.arrived,
    diverged: racer.diverged, distance: String(racer.distance()), sentence: racerSentence(racer),
  }));
}"""


def race(tab, steps, **values):
    return tab.evaluate(RUN_RACE, [values, steps])


@pytest.mark.parametrize("name", SURFACES)
def test_the_six_take_the_paths_of_torch(tab, name):
    racers = race(tab, 100, surface=name, momentum=0.8)
    assert [racer["name"] for racer in racers] == list(SIX)
    for racer in racers:
        ours = torch.tensor(racer["path"], dtype=torch.float64).reshape(-1, 2)
        theirs = torch_path(name, racer["name"], ours[0].tolist(), racer["lr"], momentum=0.8)
        assert ours.shape == theirs.shape
        assert (ours - theirs).abs().max() <= 1e-9, racer["name"]


@pytest.mark.parametrize("name", SURFACES)
def test_the_gradient_by_hand_is_that_of_autograd(tab, name):
    window = tab.evaluate("(name) => SURFACES[name].window", name)
    torch.manual_seed(0)
    low = torch.tensor([window["x"][0], window["y"][0]], dtype=torch.float64)
    high = torch.tensor([window["x"][1], window["y"][1]], dtype=torch.float64)
    points = low + (high - low) * torch.rand(50, 2, dtype=torch.float64)
    points.requires_grad_()
    values = surface(name, points[:, 0], points[:, 1])
    (slopes,) = torch.autograd.grad(values.sum(), points)
    ours = tab.evaluate(
        "([name, points]) => points.map((p) => [SURFACES[name].f(...p), ...SURFACES[name].gradient(...p)])",
        [name, points.tolist()],
    )
    theirs = torch.cat([values[:, None], slopes], dim=1).detach()
    torch.testing.assert_close(torch.tensor(ours, dtype=torch.float64), theirs, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("name", SURFACES)
def test_the_marked_points_are_stationary_and_the_star_is_the_lowest(tab, name):
    marked = tab.evaluate(
        "(name) => (({minima, others, window}) => ({minima, others, window}))(SURFACES[name])", name
    )
    curvature = tab.evaluate(
        "(name) => steepestCurvature(SURFACES[name])",
        name,
    )
    for place in marked["minima"] + marked["others"]:
        point = torch.tensor(place, dtype=torch.float64, requires_grad=True)
        (slope,) = torch.autograd.grad(surface(name, *point), point)
        assert slope.abs().max() < 1e-12, place
    x, y = (torch.linspace(*marked["window"][axis], 301, dtype=torch.float64) for axis in "xy")
    heights = {float(surface(name, *torch.tensor(place, dtype=torch.float64))) for place in marked["minima"]}
    assert max(heights) - min(heights) < 1e-15
    assert surface(name, x[None], y[:, None]).min() >= min(heights)
    star = torch.tensor(marked["minima"][0], dtype=torch.float64)
    hessian = torch.autograd.functional.hessian(lambda point: surface(name, *point), star)
    assert curvature == pytest.approx(torch.linalg.eigvalsh(hessian)[-1].item(), rel=1e-6)


@pytest.mark.parametrize(("optimizer", "limit"), [("sgd", 0.2), ("momentum", 0.2 * 1.9)])
def test_a_rate_above_the_limit_of_the_bowl_diverges(tab, optimizer, limit):
    ends = {}
    for factor in (0.98, 1.02):
        rates = [limit * factor] * 6
        (ends[factor],) = race(tab, 3000, surface="bowl", racers=[optimizer], rates=rates)
    assert ends[0.98]["diverged"] is None and float(ends[0.98]["distance"]) < 1e-6
    assert ends[1.02]["diverged"] is not None
    assert f"diverged at step {ends[1.02]['diverged']}" in ends[1.02]["sentence"]
    assert "is above its limit" in ends[1.02]["sentence"]


def test_a_diverged_racer_stops_and_the_others_walk_on(tab):
    sgd, momentum = race(tab, 400, racers=["sgd", "momentum"], rates=[50, 0.02, 1, 1, 1, 1])
    assert sgd["diverged"] <= 3 and len(sgd["path"]) == 2 * (sgd["diverged"] + 1)
    assert len(momentum["path"]) == 2 * 401 and momentum["arrived"]


def test_at_the_limit_sgd_bounces_forever_and_momentum_settles(tab):
    sgd, momentum = race(tab, 500, racers=["sgd", "momentum"], rates=[0.2, 0.2, 1, 1, 1, 1], momentum=0.5)
    assert [abs(y) for y in sgd["path"][1::2]] == [1.5] * 501
    assert "at its limit" in sgd["sentence"]
    assert float(momentum["distance"]) < 1e-6


def test_adagrad_slows_down_where_adam_does_not(tab):
    adagrad, adam = race(tab, 100, racers=["adagrad", "adam"], rates=[0.1] * 6)
    assert float(adam["distance"]) < 0.2 < 1.5 < float(adagrad["distance"])


def test_nobody_leaves_the_saddle_from_y_0_and_all_do_from_beside_it(tab):
    for racer in race(tab, 1000, surface="saddle", start=[-2, 0]):
        assert set(racer["path"][1::2]) == {0}, racer["name"]
        assert abs(racer["path"][-2]) < 0.1
    for racer in race(tab, 1000, surface="saddle", start=[-2, 0.01]):
        assert racer["arrived"], racer["name"]


def test_all_that_stand_still_on_the_saddle_are_named(tab):
    sentences = """(start) => {
      const race = new Race(raceSetup({...OPTIMIZERS_DEFAULTS, surface: "saddle", start}));
      race.advance(1000);
      return raceSentences(race);
    }"""
    assert tab.evaluate(sentences, [-2, 0]) == [
        "SGD, Momentum, Adagrad, Adadelta, RMSProp and Adam stand still: the gradient is zero here, "
        "but this is not the lowest point."
    ]
    assert tab.evaluate(sentences, [-2, 0.01]) == []


def test_contour_lines_lie_on_their_level(tab):
    far = tab.evaluate(
        """() => {
          const { f, window } = SURFACES.bowl;
          const values = gridValues(f, window, 141, 101);
          const at = (from, to, part) => from + (to - from) * part;
          return contourSegments(values, 141, 101, 2).map(([column, row]) =>
            Math.abs(f(at(...window.x, column / 140), at(...window.y, row / 100)) - 2));
        }"""
    )
    assert len(far) > 100 and max(far) < 0.01


RUN_BALLS = """([values, steps]) => {
  const trial = new BallTrial(ballSetup(checkOptimizersState({ ...OPTIMIZERS_DEFAULTS, ...values })));
  trial.advance(steps);
  return trial.balls.map((ball) => ({ w: ball.w, diverged: ball.diverged, sentence: ballSentence(ball) }));
}"""


@pytest.mark.parametrize("curvature", [0.25, 1, 2])
def test_a_ball_converges_below_2_over_the_curvature_and_diverges_above(tab, curvature):
    limit = 2 / curvature
    values = {"loss": "quadratic", "curvature": curvature, "etas": [0.95 * limit, limit, 1.05 * limit]}
    below, at, above = tab.evaluate(RUN_BALLS, [values, 200])
    assert abs(below["w"]) < 1e-6 and "converges" in below["sentence"]
    assert abs(at["w"]) == 4 and "forever" in at["sentence"]
    assert above["diverged"] and "diverges" in above["sentence"]
    tab.goto(tab.url.split("#")[0] + f"#optimizers?view=ball&loss=quadratic&curvature={curvature}")
    assert f"2 / f″ = {limit:g}" in tab.inner_text("#panel-optimizers")


def test_the_three_balls_are_those_of_figure_g7(tab):
    stuck, arrived, away = tab.evaluate(RUN_BALLS, [{"loss": "slide"}, 30])
    assert (round(stuck["w"], 2), round(arrived["w"], 2), away["diverged"]) == (-1.93, 2.08, 4)
    assert "stuck in the local minimum" in stuck["sentence"]
    assert "global minimum" in arrived["sentence"]
    slope = tab.evaluate("() => [-3, 0.4, 2].map((w) => BALL_LOSSES.slide.slope(w))")
    w = torch.tensor([-3, 0.4, 2], dtype=torch.float64, requires_grad=True)
    (0.05 * w**4 - 0.4 * w**2 - 0.13 * w + 2).sum().backward()
    assert slope == pytest.approx(w.grad.tolist(), abs=1e-12)


def panel(tab):
    return tab.locator("#panel-optimizers")


def visible_button(tab, name):
    return panel(tab).get_by_role("button", name=name, exact=True)


def step_shown(tab):
    return int(re.search(r"Step (\d+)", panel(tab).inner_text()).group(1))


def painted(canvas):
    """Return the fraction of a canvas's pixels that are not transparent."""
    return canvas.evaluate(
        """(canvas) => {
          const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
          return data.filter((alpha, i) => i % 4 === 3 && alpha > 0).length / (data.length / 4);
        }"""
    )


@pytest.mark.parametrize("address", ["steps=20", "surface=saddle&steps=40", "view=ball&steps=9"])
def test_the_canvases_are_not_blank(tab, address):
    tab.goto(tab.url.split("#")[0] + f"#optimizers?{address}")
    canvases = panel(tab).locator("canvas:visible").all()
    assert len(canvases) == 2
    assert all(painted(canvas) > 0.02 for canvas in canvases)  # numbers alone paint 0.006
    assert step_shown(tab) == int(address.rsplit("=", 1)[1])


def test_the_address_leads_back_to_the_same_moment(page_with):
    tab = page_with(address="#optimizers")
    panel(tab).get_by_label("Surface").first.select_option(label="Beale's function")
    panel(tab).get_by_label("Rate of Adam").fill("0.2")
    panel(tab).get_by_label("Start x").fill("2")
    panel(tab).get_by_label("Start y").press("Tab")
    panel(tab).get_by_role("checkbox", name="Adadelta").uncheck()
    visible_button(tab, "100 steps").click()
    visible_button(tab, "1 step").click()
    shown = [panel(tab).locator("table").inner_text(), panel(tab).get_by_label("Rate of Adam").input_value()]
    again = page_with(address=tab.evaluate("location.hash"))
    assert step_shown(again) == 101
    assert shown == [
        panel(again).locator("table").inner_text(),
        panel(again).get_by_label("Rate of Adam").input_value(),
    ]
    assert again.is_hidden("#notice")


@pytest.mark.parametrize(
    "address",
    [
        "surface=<b>",
        "steps=-3",
        "start=1",
        "rates=1,2,3,4,5,-6",
        "momentum=7",
        "racers=lion",
        "view=ball&etas=0,0,0",
    ],
)
def test_an_address_with_an_invalid_value_uses_the_default_and_says_so(tab, address):
    tab.goto(tab.url.split("#")[0] + "#optimizers")
    tab.goto(tab.url.split("#")[0] + f"#optimizers?{address}")
    assert "cannot use" in tab.inner_text("#notice")
    key = address.split("&")[-1].split("=")[0]
    assert tab.evaluate(f"shownTab.state.{key}") == tab.evaluate(f"OPTIMIZERS_DEFAULTS.{key}")


def test_the_mouse_drags_the_start_and_the_arrow_keys_move_it(page_with):
    tab = page_with(address="#optimizers?steps=10")
    canvas = panel(tab).locator("canvas:visible").first
    box = canvas.bounding_box()
    tab.mouse.move(box["x"] + 200, box["y"] + 100)
    tab.mouse.down()
    tab.mouse.move(box["x"] + 300, box["y"] + 150)
    tab.mouse.up()
    x, y = tab.evaluate("shownTab.state.start")
    assert x != -4 and float(panel(tab).get_by_label("Start x").input_value()) == x
    assert step_shown(tab) == 10  # the paths follow the start
    canvas.focus()
    tab.keyboard.press("ArrowLeft")
    tab.keyboard.press("Shift+ArrowUp")
    assert tab.evaluate("shownTab.state.start") == pytest.approx([x - 0.1, y + 0.01])


def test_a_finger_taps_or_drags_the_start_and_its_swipe_scrolls(page_with):
    tab = page_with(
        address="#optimizers", has_touch=True, is_mobile=True, viewport={"width": 360, "height": 740}
    )
    canvas = panel(tab).locator("canvas:visible").first
    canvas.scroll_into_view_if_needed()
    touch = tab.context.new_cdp_session(tab)

    def swipe(path):
        box = canvas.bounding_box()
        for kind, points in [
            ("touchStart", path[:1]),
            *(("touchMove", [each]) for each in path),
            ("touchEnd", []),
        ]:
            at = [{"x": box["x"] + x, "y": box["y"] + y} for x, y in points]
            touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": at})

    swipe([(300, 300 - 20 * k) for k in range(10)])
    tab.wait_for_function("() => scrollY > 100")
    tab.wait_for_timeout(300)  # the page comes to rest
    assert tab.evaluate("shownTab.state.start") == []
    swipe([(200, 250)])
    tapped = tab.evaluate("shownTab.state.start")
    scrolled = tab.evaluate("scrollY")
    swipe([(200, 250 + 10 * k) for k in range(10)])
    dragged = tab.evaluate("shownTab.state.start")
    assert tapped and dragged[0] == tapped[0] and dragged[1] < tapped[1]
    assert tab.evaluate("scrollY") == scrolled


def test_the_race_runs_by_the_keyboard_alone_and_says_where_all_are_when_it_pauses(page_with):
    tab = page_with(address="#optimizers?speed=300")
    visible_button(tab, "Start").focus()
    tab.keyboard.press("Enter")
    tab.wait_for_function(
        "() => document.querySelector('#panel-optimizers').innerText.match(/Step [1-9]\\d/)"
    )
    assert tab.inner_text("#announcer") == ""
    before = step_shown(tab)
    panel(tab).get_by_label("Rate of Adam").fill("0.05")
    visible_button(
        tab, "Pause"
    ).focus()  # leaves the field: the paths change, and the race does not start again
    assert step_shown(tab) >= before
    tab.keyboard.press("Enter")
    assert visible_button(tab, "Start").is_visible()
    steps = step_shown(tab)
    assert tab.inner_text("#announcer").startswith(f"Long bowl after {steps} steps. SGD at (")
    assert f"?steps={steps}&" in tab.evaluate("location.hash")


def test_nothing_moves_by_itself_and_a_step_is_drawn_at_once(page_with):
    tab = page_with(address="#optimizers", reduced_motion="reduce")
    tab.wait_for_timeout(100)
    assert step_shown(tab) == 0
    visible_button(tab, "10 steps").click()
    assert step_shown(tab) == 10


def test_each_command_names_what_exists(tab):
    commands = tab.evaluate(
        """() => Object.keys(SURFACES)
          .flatMap((surface) => raceCommands({ racers: RACER_NAMES, surface, momentum: 0.5 }))
          .concat(...["slide", "quadratic"].map((loss) => ballCommands(loss))).filter(Boolean)"""
    )
    ids = {word for command in commands for word in re.findall(r"figures id=(\w+)", command)}
    assert ids == {"G5", "G7", "G29", "G30"} and ids <= set(all_scripts())
    claims = {word for command in commands for word in re.findall(r"lectures id=(\w+)", command)}
    assert claims == {"F9"} and claims <= {claim.id for claim in all_claims()}
    options = {name for command in commands for name in re.findall(r"optim=([\w,]+)", command)}
    assert {name for option in options for name in option.split(",")} == set(SIX)
    assert all((ROOT / "configs" / "optim" / f"{name}.yaml").exists() for name in SIX)
    assert "intro-dl train model=lenet optim=momentum optim.momentum=0.5" in commands
