"""The shell of the page: tabs by mouse and keyboard, addresses, light and dark, and every size of screen."""

import pytest

from tests.browser import serious_findings

NAMES = ("draw", "playground", "characters", "autodiff", "optimizers", "convolution")
# What a reader sees of the controls of the tab that is shown.
CONTROLS = """() => [...document.querySelectorAll("[role=tabpanel] :is(input, select, textarea)")]
    .filter((each) => each.checkVisibility())
    .map((each) => [each.labels?.[0]?.textContent ?? each.ariaLabel, each.value, each.checked])"""
# The canvases of the tab that is shown with a single color.
BLANK = """() => [...document.querySelectorAll("[role=tabpanel] canvas")]
    .filter((each) => each.checkVisibility() && each.width > 0 && !each.closest(".tiles"))
    .filter((each) => {
        const pixels = each.getContext("2d").getImageData(0, 0, each.width, each.height).data;
        const words = new Uint32Array(pixels.buffer);
        return words.every((word) => word === words[0]);
    })
    .map((each) => each.getAttribute("aria-label"))"""


@pytest.fixture(scope="module")
def tab(page_with):
    return page_with(color_scheme="light")


@pytest.fixture(scope="module")
def phone(page_with):
    return page_with(
        viewport={"width": 360, "height": 740}, device_scale_factor=2, has_touch=True, color_scheme="dark"
    )


@pytest.fixture(params=NAMES)
def name(request):
    return request.param


def click(tab, name):
    tab.locator(f"#tab-{name}").click()


def shown(tab):
    return tab.locator("[role=tabpanel]:visible").get_attribute("id").removeprefix("panel-")


def settled(tab):
    """Return what the controls show when they change no more: a text is written, or read, in slices."""
    before = None
    while (now := tab.evaluate(CONTROLS)) != before:
        before = now
        tab.wait_for_timeout(60)
    return now


def test_every_tab_opens_by_mouse_and_back_returns(tab):
    tab.reopen("")
    assert shown(tab) == NAMES[0]
    for name in NAMES[1:]:
        click(tab, name)
        assert shown(tab) == name
        assert tab.locator("[role=tab][aria-selected=true]").get_attribute("id") == f"tab-{name}"
        assert f"#{name}" in tab.url
        assert tab.evaluate(BLANK) == []
    for name in NAMES[-2::-1]:
        tab.go_back()
        assert shown(tab) == name


def test_every_tab_opens_by_keyboard(tab):
    click(tab, NAMES[0])
    walked = []
    for _ in NAMES:
        walked.append(shown(tab))
        tab.keyboard.press("ArrowRight")
    assert tuple(walked) == NAMES
    assert shown(tab) == NAMES[0]
    for key, expected in [("ArrowLeft", -1), ("Home", 0), ("End", -1), ("ArrowRight", 0)]:
        tab.keyboard.press(key)
        assert shown(tab) == NAMES[expected]
        assert tab.evaluate("document.activeElement.id") == f"tab-{NAMES[expected]}"


def test_the_first_key_skips_to_the_tabs(tab):
    tab.reopen("#convolution")
    tab.keyboard.press("Tab")
    assert tab.evaluate("document.activeElement.getBoundingClientRect().left") > 0
    tab.keyboard.press("Enter")
    assert tab.evaluate("document.activeElement.id") == "tab-convolution"


def test_what_a_link_sets_comes_back_from_the_address(tab, name):
    tab.reopen(f"#{name}")
    links = tab.locator("[role=tabpanel]:visible .tries a")
    state = "TABS.find((tab) => tab.visible).state"
    default, default_state = settled(tab), tab.evaluate(f"JSON.stringify({state})")
    states = {default_state}
    for link in range(links.count()):
        links.nth(link).click()
        assert tab.locator("#notice").is_hidden()
        # A tab may complete its own state a moment later.
        tab.wait_for_function("""() => {
            const tab = TABS.find((tab) => tab.visible);
            const read = stateOfAddress(readAddress(location.hash).values, tab.defaults, tab.check);
            const sorted = (state) => JSON.stringify(Object.entries(state).sort());
            return read.sentences.length === 0 && sorted(read.state) === sorted(tab.state);
        }""")
        states.add(tab.evaluate(f"JSON.stringify({state})"))
    assert len(states) >= 3, "two links or more change the state"
    tab.evaluate(f"location.hash = '#{name}'")
    tab.wait_for_function(f"(state) => JSON.stringify({state}) === state", arg=default_state)
    assert settled(tab) == default


def test_what_a_reader_changes_comes_back_from_the_address(tab, name):
    """Every list and slider that is shown at first is moved by one."""
    tab.reopen(f"#{name}")
    panel = tab.locator("[role=tabpanel]:visible")
    settled(tab)
    for control in panel.locator("select:visible, input[type=range]:visible").all():
        if control.is_visible() and control.is_enabled():
            control.press(
                "ArrowDown" if control.evaluate("(each) => each.tagName") == "SELECT" else "ArrowRight"
            )
    changed = settled(tab)
    tab.reload()
    assert settled(tab) == changed
    assert tab.locator("#notice").is_hidden()


def check_fallback(tab, sentence):
    assert sentence in tab.locator("#notice").inner_text()
    assert shown(tab) in NAMES
    assert tab.evaluate(BLANK) == []
    tab.locator("#notice").get_by_role("button").click()
    assert tab.locator("#notice").is_hidden()


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("#playground?rate=abc", "rate=abc"),
        ("#nowhere?rate=1", "the tab nowhere"),
        ("#playground?rate=" + "9" * 10_000, "has 10016 characters"),
    ],
    ids=["a text as a rate", "unknown tab", "too long"],
)
def test_a_page_that_starts_with_a_damaged_address_says_so(tab, address, sentence):
    tab.reopen(address)
    check_fallback(tab, sentence)


def test_a_damaged_address_in_an_open_page_is_explained_too(tab):
    for address, sentence in {
        "#convolution?stride=17&weights=1,2,x": "stride=17",
        "#convolution?stride=": "stride=",
        "#convolution?run=99": "run=99",
        "#draw?unknown=1": "unknown=1",
        "#%E0%A4%A?%E0%A4%A=%": "the tab %E0%A4%A",
        "#convolution?picture=<script>alert(1)</script>": "picture=<script>alert(1)</script>",
    }.items():
        tab.evaluate("(address) => { location.hash = address; }", address)
        tab.locator("#notice").wait_for(state="visible")
        check_fallback(tab, sentence)


def test_many_changes_leave_the_last_one_in_the_address(tab):
    click(tab, "convolution")
    tab.evaluate(
        """() => {
            const tab = TABS.find((tab) => tab.visible);
            for (let n = 0; n <= 300; n++) tab.remember({row: n % 7, column: n % 9});
        }"""
    )
    assert tab.evaluate("addressWrites.times.length") <= 60  # Safari refuses more than 100 in 30 seconds
    tab.wait_for_function("() => location.hash === '#convolution?row=6'")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(tab, axe, name, scheme):
    tab.emulate_media(color_scheme=scheme)
    click(tab, name)
    assert tab.evaluate("document.documentElement.dataset.theme") == scheme
    findings = serious_findings(tab, axe, ["color-contrast"] if scheme == "dark" else ())
    tab.emulate_media(color_scheme="light")
    assert findings == []


def test_a_tab_fits_on_a_phone_and_fingers_can_use_it(phone, name):
    click(phone, name)
    wide = phone.evaluate(
        """() => [...document.querySelectorAll("main *")]
        .filter((each) => each.checkVisibility() && !each.closest(".scroll, .tries"))
        .filter((each) => each.getBoundingClientRect().right > innerWidth + 1)
        .map((each) => `${each.tagName} ${each.className} ${each.textContent.slice(0, 40)}`)"""
    )
    assert phone.evaluate("document.documentElement.scrollWidth") <= 360, wide[:5]
    assert wide == []
    small = phone.evaluate(
        """() => [...document.querySelectorAll(":is(button:not(.tiles *), select, input, summary, .tries a)")]
        .filter((each) => each.checkVisibility())
        .map((each) => [each.closest("label") ?? each, each.textContent || each.ariaLabel || each.id])
        .map(([each, text]) => [each.getBoundingClientRect().height, text.slice(0, 40)])
        .filter(([height]) => height < 43.9)"""
    )
    assert small == []
    assert phone.evaluate(BLANK) == []


def test_the_page_grows_with_a_large_screen(tab, name):
    click(tab, name)
    tab.set_viewport_size({"width": 3840, "height": 2160})
    assert tab.evaluate("document.documentElement.scrollWidth") <= 3840
    assert tab.evaluate("parseFloat(getComputedStyle(document.body).fontSize)") > 24
    assert tab.evaluate("document.querySelector('main').getBoundingClientRect().width") > 0.5 * 3840
    blurred = """() => [...document.querySelectorAll("canvas:not(.tile)")]
        .filter((each) => each.checkVisibility())
        .filter((each) => each.width < each.getBoundingClientRect().width - 1)
        .map((each) => [each.getAttribute("aria-label"), each.width, each.getBoundingClientRect().width])"""
    for _ in range(20):  # a canvas gets its new size in one of the next frames
        if not (found := tab.evaluate(blurred)):
            break
        tab.wait_for_timeout(100)
    tab.set_viewport_size({"width": 1280, "height": 800})
    assert found == []


def test_the_colors_that_a_reader_chooses_stay(tab):
    theme = "document.documentElement.dataset.theme"
    map_color = "getComputedStyle(document.body).backgroundColor"
    light = tab.evaluate(map_color)
    try:
        tab.get_by_label("Colors").select_option("Dark")
        assert tab.evaluate(theme) == "dark"
        assert tab.evaluate(map_color) != light
        tab.reload()
        assert tab.evaluate(theme) == "dark"
        tab.get_by_label("Colors").select_option("Auto")
        assert tab.evaluate(theme) == "light"
    finally:
        tab.evaluate("localStorage.clear()")


def test_nothing_moves_by_itself_for_readers_who_prefer_that(page_with):
    tab = page_with(reduced_motion="reduce")
    tab.evaluate(
        """() => {
            window.frames_asked = 0;
            const ask = window.requestAnimationFrame;
            window.requestAnimationFrame = (call) => (window.frames_asked++, ask(call));
        }"""
    )
    for name in NAMES:
        tab.locator(f"#tab-{name}").click()
        tab.wait_for_timeout(60)
        before = tab.evaluate("frames_asked")
        tab.wait_for_timeout(60)
        assert tab.evaluate("frames_asked") == before, name


def test_a_loop_stops_when_its_tab_is_left(tab):
    click(tab, "convolution")
    tab.evaluate(
        """() => {
            window.frames = 0;
            window.loop = animate(TABS.find((tab) => tab.visible), () => window.frames++);
            loop.start();
        }"""
    )
    tab.wait_for_function("() => frames > 2")
    tab.locator("#tab-draw").click()
    assert not tab.evaluate("loop.running")


def test_the_page_says_how_it_was_made(tab):
    assert "intro-dl page" in tab.locator("footer").inner_text()
    assert "nothing from a network" in tab.locator("footer").inner_text()
    assert "LeNet" in tab.locator("header").inner_text()


def test_a_page_without_runs_opens_every_tab(page_with):
    tab = page_with(entries=[])
    for name in NAMES:
        click(tab, name)
        assert len(tab.locator("[role=tabpanel]:visible").inner_text()) > 100
    click(tab, "draw")
    assert "intro-dl page <directory of a run>" in tab.locator("[role=tabpanel]:visible").inner_text()


def test_a_command_is_copied(page_with):
    tab = page_with(address="#convolution", permissions=["clipboard-read", "clipboard-write"])
    tab.get_by_role("button", name="Copy intro-dl figures id=G45").click()
    tab.wait_for_function("() => document.getElementById('announcer').textContent === 'Copied'")
    assert tab.evaluate("navigator.clipboard.readText()") == "intro-dl figures id=G45"


def test_without_javascript_the_page_says_what_it_needs(page_with):
    tab = page_with(java_script_enabled=False)
    assert "Switch JavaScript on" in tab.locator("body").inner_text()


def test_wrong_entries_of_a_field_are_explained_and_not_used(tab):
    click(tab, "convolution")
    tab.evaluate(
        """() => {
            window.got = [];
            const onchange = (number) => got.push(number);
            const field = numberField({label: "Units", min: 1, max: 16, step: 1, value: 4, onchange});
            document.querySelector("main").append(field);
        }"""
    )
    field = tab.get_by_label("Units", exact=True)
    for wrong in ("0", "17", "2.5", ""):
        field.fill(wrong)
        field.press("Tab")
        assert tab.get_by_text("Choose an integer from 1 to 16.").is_visible()
    field.fill("8")
    field.press("Tab")
    assert tab.get_by_text("Choose an integer from 1 to 16.").is_hidden()
    assert tab.evaluate("got") == [8]
