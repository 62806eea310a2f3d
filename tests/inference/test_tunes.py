"""A tune is valid if abc2midi reads it without a complaint; damaged tunes are not."""

import random
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from intro_dl.inference.tunes import longest_copied, read_tune, split_tunes

symusic = pytest.importorskip("symusic", reason='needs pip install -e ".[music]"')

HEADER = "X:1\nT:The Test\nM:6/8\nL:1/8\nK:G Major\n"
JIG = HEADER + "D|G2G AGA|[1 BGE E2:|[2 BGG G2|]!\nA|d3 c3|B3 G2:|!"
REEL = HEADER.replace("6/8", "C") + "G2AG BGAG|dcBA G2A2|c8|"


def test_a_tune_with_pick_ups_and_repeats_is_valid():
    assert read_tune(REEL).problems == []
    assert read_tune(HEADER + "D|G2G AGA|BGE E2:|").problems == []


def test_a_tune_has_a_title_and_its_notes_as_midi():
    tune = read_tune(REEL)
    score = symusic.Score.from_midi(tune.midi)
    assert tune.title == "The Test"
    assert [note.pitch for note in score.tracks[0].notes] == [
        67,
        69,
        67,
        71,
        67,
        69,
        67,
        74,
        72,
        71,
        69,
        67,
        69,
        72,
    ]
    assert (score.time_signatures[0].numerator, score.time_signatures[0].denominator) == (4, 4)


def test_a_repeat_is_played_twice():
    score = symusic.Score.from_midi(read_tune(HEADER + "|:G3 A3:|").midi)
    assert [note.pitch for note in score.tracks[0].notes] == [67, 69] * 2


@pytest.mark.parametrize(
    ("right", "wrong", "problem"),
    [
        ("X:1\n", "", "No tune processed. Possible missing X: field"),
        ("X:1", "X:one", "Missing Number"),
        ("M:C\n", "", "No M: in header"),
        ("K:G Major\n", "", "No valid K: field"),
        ("K:G Major", "K:H Major", "First K: field must specify key signature"),
        ("G2A2", "G2A", "line 6: Track 0 Bar 1 has 7/2 time units while the time signature has 4"),
        ("G2A2", "G2A3", "line 6: Track 0 Bar 1 has 9/2 time units while the time signature has 4"),
        ("c8", "h8", "Ignoring reserved character h"),
        ("c8", "^8", "Malformed note"),
        ("c8", ">c8", "Cannot apply broken rhythm"),
        ("G2AG BGAG|dcBA G2A2|c8|", "", "there are no notes"),
    ],
)
def test_what_is_wrong_with_a_tune_is_named(right, wrong, problem):
    assert right in REEL
    problems = read_tune(REEL.replace(right, wrong)).problems
    assert any(problem in each for each in problems), problems


@given(st.text("ABGabgXKM:|[]12345/(-^_=<>{}!\"z,'. \n\\%٣²", max_size=60))
@settings(max_examples=25, deadline=None, database=None)
def test_whatever_a_model_writes_gets_an_answer(written):
    for text in (written, HEADER + written):
        tune = read_tune(text)
        assert tune.problems or tune.midi


# Real tunes


@pytest.fixture(scope="module")
def irish_tunes(data_root):
    path = data_root / "text" / "irish.abc"
    if not path.is_file():
        pytest.skip(f"there is no {path}")
    return [tune for tune in split_tunes(path.read_text()) if tune.startswith("X:")]


@pytest.fixture(scope="module")
def valid_tunes(irish_tunes):
    return [tune for tune in irish_tunes if not read_tune(tune).problems]


def test_727_of_the_804_irish_tunes_are_valid(irish_tunes, valid_tunes):
    assert (len(valid_tunes), len(irish_tunes)) == (727, 804)


def music_of(tune: str) -> int:
    """Return where the music begins."""
    return tune.index("\n", tune.index("\nK:") + 1) + 1


def without_a_note(tune: str, generator: random.Random) -> str:
    """Leave out a note that is not the only one of a pick-up, so that a bar gets too short."""
    places = [
        match.end() - 1 for match in re.finditer(r"[A-Ga-g]{2}", tune) if match.start() >= music_of(tune)
    ]
    place = generator.choice(places)
    return tune[:place] + tune[place + 1 :]


def without_a_bar_line(tune: str, generator: random.Random) -> str:
    place = generator.choice([match.start() for match in re.finditer(r"(?<=\w)\|(?=\w)", tune)])
    return tune[:place] + tune[place + 1 :]


def in_another_meter(tune: str, generator: random.Random) -> str:
    return re.sub(r"(?m)^M:.*", "M:5/4", tune)


def with_its_music_shuffled(tune: str, generator: random.Random) -> str:
    begin = music_of(tune)
    return tune[:begin] + "".join(generator.sample(tune[begin:], len(tune) - begin))


def with_random_music(tune: str, generator: random.Random) -> str:
    begin = music_of(tune)
    return tune[:begin] + "".join(generator.choices("abcdefgABCDEFG23| ", k=len(tune) - begin))


DAMAGES = [without_a_note, without_a_bar_line, in_another_meter, with_its_music_shuffled, with_random_music]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_irish_tune_is_not_valid(valid_tunes, damage):
    generator = random.Random(0)
    chosen = generator.sample(valid_tunes, 150)
    refused = [bool(read_tune(damage(tune, generator)).problems) for tune in chosen]
    assert sum(refused) >= 0.97 * len(chosen)


def test_no_part_of_a_help_text_is_a_tune():
    from pydoc_data.topics import topics

    assert all(read_tune(part).problems for part in split_tunes(topics["with"]))


# Copying


def test_the_longest_copied_passage_is_found():
    assert longest_copied("xx abcd yy", "12 abcd 34 abc") == " abcd "
    assert longest_copied("xyz", "abc") == ""
    assert longest_copied("", "abc") == ""


def test_the_longest_copied_passage_is_that_of_trying_all():
    generator = random.Random(0)
    for _ in range(20):
        text, training = ("".join(generator.choices("ab", k=30)) for _ in range(2))
        every = {text[i:j] for i in range(30) for j in range(i, 31) if text[i:j] in training}
        assert len(longest_copied(text, training)) == max(map(len, every))
