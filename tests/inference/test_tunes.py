"""A tune is valid if its header, its notes and its bars are in order; and it sounds as it is written."""

import random
import re
from fractions import Fraction

import mido
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from intro_dl.music.check import check_tune
from intro_dl.music.copying import longest_copied
from intro_dl.music.fields import read_key, read_metre, signature
from intro_dl.music.midi import QUARTERS_PER_MINUTE, sounds, write_midi
from intro_dl.music.notation import read_tune, split_tunes
from intro_dl.music.playing import playing_order

HEADER = "X:1\nT:The Test\nM:6/8\nL:1/8\nK:G Major\n"
JIG = HEADER + "D|G2G AGA|[1 BGE E2:|[2 BGG G2|]!\nA|d3 c3|B3 G2:|!"
COMMON_TIME = HEADER.replace("6/8", "C").replace("G Major", "C")


def pitches(music: str, header: str = COMMON_TIME) -> list[int]:
    return [sound.pitch for sound in sounds(read_tune(header + music))]


def durations(music: str, header: str = COMMON_TIME) -> list[Fraction]:
    """In units of L:."""
    return [note.duration * 8 for bar in read_tune(header + music).bars for note in bar.notes]


# The header


def test_a_tune_with_pick_ups_repeats_and_endings_is_valid():
    assert check_tune(JIG) == []


@pytest.mark.parametrize("name", "XTMLK")
def test_each_of_five_fields_is_needed(name):
    (problem, *_) = check_tune(re.sub(rf"(?m)^{name}:.*\n", "", JIG))
    assert f"the header has no {name}:" in problem


def test_the_header_begins_with_number_and_title_and_ends_with_the_key():
    assert "begins with T: and X:" in check_tune(JIG.replace("X:1\nT:The Test", "T:The Test\nX:1"))[0]
    assert "the header has no L:" in check_tune(JIG.replace("L:1/8\nK:G Major", "K:G Major\nL:1/8"))[0]
    assert "M: 2 times" in check_tune(JIG.replace("M:6/8", "M:6/8\nM:C"))[0]


@pytest.mark.parametrize(
    ("right", "wrong", "problem"),
    [
        ("X:1", "X:one", "X:one is no number"),
        ("T:The Test", "T:", "the title T: is empty"),
        ("M:6/8", "M:6-8", "M:6-8 is no metre"),
        ("L:1/8", "L:1/7", "L:1/7 is no length"),
        ("K:G Major", "K:H Major", "K:H Major is no key"),
        ("K:G Major", "K:G# Major", "needs 8 sharps or flats"),
    ],
)
def test_a_field_with_a_wrong_value_is_named(right, wrong, problem):
    assert any(problem in each for each in check_tune(JIG.replace(right, wrong)))


@pytest.mark.parametrize(
    ("key", "fifths"),
    [("C", 0), ("D Major", 2), ("A Dorian", 1), ("D Mixolydian", 1), ("Em", 1), ("F# min", 3), ("Bbmaj", -2)],
)
def test_keys_and_modes_have_their_sharps_and_flats(key, fifths):
    assert read_key(key) == fifths


def test_two_sharps_raise_f_and_c_and_two_flats_lower_b_and_e():
    assert signature(2) == {"F": 1, "C": 1}
    assert signature(-2) == {"B": -1, "E": -1}


def test_common_and_cut_time_have_their_letters():
    assert read_metre("C") == (4, 4)
    assert read_metre("C|") == (2, 2)


# Notes


@pytest.mark.parametrize(
    ("written", "heard"),
    [
        ("C", 60),
        ("c", 72),
        ("C,", 48),
        ("c'", 84),
        ("^F", 66),
        ("_B", 70),
        ("B,", 59),
    ],
)
def test_a_note_has_its_pitch(written, heard):
    assert pitches(written) == [heard]


def test_the_key_raises_its_notes_and_a_natural_sign_does_not():
    assert pitches("Ff=F", HEADER) == [66, 78, 65]


def test_an_accidental_holds_to_the_end_of_the_bar():
    assert pitches("^FF f|F") == [66, 66, 78, 65]


@pytest.mark.parametrize(
    ("written", "long"),
    [("A", "1"), ("A2", "2"), ("A3/2", "3/2"), ("A/", "1/2"), ("A/2", "1/2"), ("A//", "1/4"), ("z4", "4")],
)
def test_a_note_has_its_length(written, long):
    assert durations(written) == [Fraction(long)]


def test_a_triplet_puts_three_into_the_time_of_two():
    assert durations("(3ABc d") == [Fraction(2, 3)] * 3 + [1]


def test_broken_rhythm_takes_from_one_note_and_gives_to_the_other():
    assert durations("A>B c<d") == [Fraction(3, 2), Fraction(1, 2), Fraction(1, 2), Fraction(3, 2)]


def test_a_chord_sounds_together_and_is_one_note_long():
    (note,) = read_tune(COMMON_TIME + "[CEG]2").bars[0].notes
    assert note.pitches == (60, 64, 67)
    assert note.duration == Fraction(2, 8)


def test_inline_fields_decorations_grace_notes_chord_symbols_slurs_and_comments_are_read():
    assert check_tune(COMMON_TIME + '"G"(AB) ~c2 {ga}.d2 [K:D] F!trill!A|c8 % end') == []


@pytest.mark.parametrize(
    ("music", "problem"),
    [
        ("ABhd ABcd|", "cannot read 'h'"),
        ("(3AB|c8|", "a tuplet lacks 1"),
        (">A7|", "> without a note before it"),
        ("A7>|", "> or < without a note after it"),
        ("A8-|B8|", "a tie joins two notes of different pitch"),
        ("(A8|", "a slur does not end"),
        ("A8.|", "the decoration . without a note after it"),
        ("A8)|", "a slur ends that has not begun"),
        ("A8^|", "cannot read '^'"),
        ("", "there are no notes"),
        ("A2|", "no bar is full"),
    ],
)
def test_what_is_no_music_is_named(music, problem):
    assert any(problem in each for each in check_tune(COMMON_TIME + music)), check_tune(COMMON_TIME + music)


@given(st.text("ABGabgXKM:|[]12345/(-^_=<>{}!\"z,'. \n\\%٣²", max_size=60))
@settings(max_examples=200, deadline=None, database=None)
def test_whatever_a_model_writes_gets_an_answer(written):
    for text in (written, COMMON_TIME + written):
        tune = read_tune(text)
        assert isinstance(check_tune(text), list)
        assert all(sound.begin < sound.end for sound in sounds(tune))


# Bars, in the order in which they are played


def test_repeats_and_endings_are_played_as_written():
    bars = read_tune(JIG).bars
    assert playing_order(bars) == [0, 1, 2, 0, 1, 3, 4, 5, 6, 4, 5, 6]


def test_a_repeat_goes_back_to_its_sign():
    assert playing_order(read_tune(COMMON_TIME + "A8|:B8|c8:|d8|").bars) == [0, 1, 2, 1, 2, 3]
    assert playing_order(read_tune(COMMON_TIME + "A8::B8:|").bars) == [0, 0, 1, 1]


@pytest.mark.parametrize(
    ("right", "wrong", "problem"),
    [
        ("G2G AGA", "G2G AG", "line 6: a bar of 5 beats in 6/8"),
        ("G2G AGA", "G2G AGAB", "line 6: a bar of 7 beats in 6/8"),
        ("B3 G2:", "B3 G:", "line 7: a bar of 4 beats in 6/8"),
        ("A|d3", "AB|d3", "line 7: a bar of 5 beats in 6/8"),
        ("|d3 c3|", "|d3 c3", "line 7: a bar of 11 beats in 6/8"),
    ],
)
def test_a_bar_that_is_not_made_full_is_named(right, wrong, problem):
    assert right in JIG
    assert any(each.startswith(problem) for each in check_tune(JIG.replace(right, wrong)))


def test_endings_come_in_pairs():
    assert "line 6: the ending [2 follows no [1" in check_tune(JIG.replace("[1 BGE E2:|", ""))
    assert "the last ending [1 has no [2" in check_tune(JIG.replace("[2", ""))
    assert "line 6: the ending [1 before had no [2" in check_tune(JIG.replace("[2", "[1"))


def test_a_change_of_metre_holds_from_where_it_stands():
    assert check_tune(COMMON_TIME + "A8|\nM:6/8\nA6|B6|") == []
    assert check_tune(COMMON_TIME + "A8|[M:6/8]A6|B8|") == ["line 6: a bar of 8 beats in 6/8"]


# Real tunes


@pytest.fixture(scope="module")
def real_tunes(data_root):
    path = data_root / "text" / "irish.abc"
    if not path.is_file():
        pytest.skip(f"there is no {path}")
    return [tune for tune in split_tunes(path.read_text()) if tune.startswith("X:")]


@pytest.fixture(scope="module")
def valid_tunes(real_tunes):
    return [tune for tune in real_tunes if not check_tune(tune)]


def test_785_of_the_804_real_tunes_are_valid(real_tunes, valid_tunes):
    assert (len(valid_tunes), len(real_tunes)) == (785, 804)


def music_of(tune: str) -> int:
    """Where the music begins."""
    return tune.index("\n", tune.index("\nK:") + 1) + 1


def without_a_note(tune: str, dice: random.Random) -> str:
    """Where leaving out a note changes a bar: not the only one of a pick-up."""
    places = [
        match.end() - 1 for match in re.finditer(r"[A-Ga-g]{2}", tune) if match.start() >= music_of(tune)
    ]
    place = dice.choice(places)
    return tune[:place] + tune[place + 1 :]


def without_a_bar_line(tune: str, dice: random.Random) -> str:
    place = dice.choice([match.start() for match in re.finditer(r"(?<=\w)\|(?=\w)", tune)])
    return tune[:place] + tune[place + 1 :]


def in_another_metre(tune: str, dice: random.Random) -> str:
    return re.sub(r"(?m)^M:.*", "M:5/4", tune)


def with_its_music_shuffled(tune: str, dice: random.Random) -> str:
    begin = music_of(tune)
    return tune[:begin] + "".join(dice.sample(tune[begin:], len(tune) - begin))


def with_random_music(tune: str, dice: random.Random) -> str:
    begin = music_of(tune)
    return tune[:begin] + "".join(dice.choices("abcdefgABCDEFG23| ", k=len(tune) - begin))


@pytest.mark.parametrize(
    ("damage", "least"),
    [
        (without_a_note, 0.98),
        (without_a_bar_line, 1),
        (in_another_metre, 1),
        (with_its_music_shuffled, 1),
        (with_random_music, 1),
    ],
)
def test_a_damaged_tune_is_not_valid(valid_tunes, damage, least):
    dice = random.Random(0)
    chosen = dice.sample(valid_tunes, 150)
    refused = [bool(check_tune(damage(tune, dice))) for tune in chosen]
    assert sum(refused) >= least * len(chosen)


def test_no_part_of_a_novel_is_a_tune():
    import this  # noqa: F401  (Python's own text, without a download)
    from pydoc_data.topics import topics

    assert all(check_tune(part) for part in split_tunes(topics["with"]))


# MIDI


def test_a_tied_note_is_heard_once():
    assert [(sound.begin, sound.end) for sound in sounds(read_tune(COMMON_TIME + "A4-A4-|A8|"))] == [(0, 2)]


def test_midi_lasts_as_long_as_the_tune(tmp_path):
    write_midi(read_tune(JIG), tmp_path / "jig.mid")
    quarters = sum(bar * Fraction(1, 2) for bar in (1, 6, 5, 1, 6, 5, 1, 6, 5, 1, 6, 5))
    assert mido.MidiFile(tmp_path / "jig.mid").length == pytest.approx(quarters * 60 / QUARTERS_PER_MINUTE)


def test_another_library_reads_the_same_notes_from_midi(tmp_path):
    symusic = pytest.importorskip("symusic", reason="pip install symusic: a second reader of MIDI")
    tune = read_tune(JIG.replace("d3 c3", "(3dcB A2 [CE]2"))
    write_midi(tune, tmp_path / "jig.mid")
    score = symusic.Score(str(tmp_path / "jig.mid"))
    (track,) = score.tracks
    whole_note = 4 * score.ticks_per_quarter
    read = sorted((note.time, note.pitch, note.duration) for note in track.notes)
    written = sorted(
        (sound.begin * whole_note, sound.pitch, (sound.end - sound.begin) * whole_note)
        for sound in sounds(tune)
    )
    assert read == written
    signature = score.time_signatures[0]
    assert (signature.numerator, signature.denominator) == (6, 8)
    assert score.key_signatures[0].key == 1  # one sharp
    assert track.name == "The Test"


def test_a_tune_without_notes_makes_no_midi(tmp_path):
    with pytest.raises(ValueError, match="has no notes"):
        write_midi(read_tune(HEADER), tmp_path / "empty.mid")


# Copying


def test_the_longest_copied_passage_is_found():
    assert longest_copied("xx abcd yy", "12 abcd 34 abc") == " abcd "
    assert longest_copied("xyz", "abc") == ""
    assert longest_copied("", "abc") == ""


def test_the_longest_copied_passage_is_that_of_trying_all():
    dice = random.Random(0)
    for _ in range(20):
        text, training = ("".join(dice.choices("ab", k=30)) for _ in range(2))
        every = {text[i:j] for i in range(30) for j in range(i, 31) if text[i:j] in training}
        assert len(longest_copied(text, training)) == max(map(len, every))
