"""From a tune to a MIDI file that any player opens: repeats played, ties joined, one instrument.

Written with mido: MIT license, 55 kB of plain Python that needs nothing but `packaging`, in steady use as the
base of others. Also weighed: pretty_midi is such a layer on mido, counting seconds instead of beats; music21
reads ABC by itself, but is 20 MB with eight dependencies; MIDIUtil only writes, and has had no release since
2018; symusic is compiled, so it serves the tests as a second, independent reader.

Source: Standard MIDI Files 1.0 (MIDI Association 1996); General MIDI's sound 41 is the violin.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import mido

from intro_dl.music.notation import Tune
from intro_dl.music.playing import playing_order

TICKS_PER_QUARTER = 480  # a multiple of 3 and 5, so that triplets are exact
QUARTERS_PER_MINUTE = 180  # a steady dance; the tunes do not say how fast they are
VIOLIN = 40  # counted from 0
VELOCITY = 90
MAJOR_KEYS = ("Cb", "Gb", "Db", "Ab", "Eb", "Bb", "F", "C", "G", "D", "A", "E", "B", "F#", "C#")


@dataclass
class Sound:
    """One pitch from a beginning to an end, both as parts of a whole note after the beginning of the tune."""

    pitch: int  # MIDI number, 60 is middle C
    begin: Fraction
    end: Fraction


def sounds(tune: Tune) -> list[Sound]:
    """What is heard, in order: every repeat played, and tied notes of the same pitch as one."""
    heard: list[Sound] = []
    held: dict[int, Sound] = {}  # pitch -> the sound that a tie lets go on
    now = Fraction(0)
    for i in playing_order(tune.bars):
        for note in tune.bars[i].notes:
            end = now + note.duration
            still_held = {}
            for pitch in note.pitches:
                sound = held.get(pitch)
                if sound is None:
                    sound = Sound(pitch, now, end)
                    heard.append(sound)
                sound.end = end
                if note.tied:
                    still_held[pitch] = sound
            held, now = still_held, end
    return heard


def write_midi(tune: Tune, path: str | Path) -> None:
    """Put a tune into a MIDI file of one track.

    Raises:
        ValueError: if it has no notes.
    """
    heard = sounds(tune)
    if not heard:
        raise ValueError(f"X:{tune.value('X')} has no notes to write to {path}.")
    file = mido.MidiFile(type=0, ticks_per_beat=TICKS_PER_QUARTER, charset="utf-8")
    track = mido.MidiTrack()
    file.tracks.append(track)
    first = tune.bars[0]
    track.append(mido.MetaMessage("track_name", name=tune.value("T") or ""))
    track.append(mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(QUARTERS_PER_MINUTE)))
    numerator, denominator = first.metre
    track.append(mido.MetaMessage("time_signature", numerator=numerator, denominator=denominator))
    track.append(mido.MetaMessage("key_signature", key=MAJOR_KEYS[first.fifths + 7]))
    track.append(mido.Message("program_change", program=VIOLIN))
    before = 0
    for tick, _, message in sorted(_events(heard), key=lambda event: event[:2]):
        track.append(message.copy(time=tick - before))
        before = tick
    file.save(path)


def _events(heard: list[Sound]) -> Iterator[tuple[int, int, mido.Message]]:
    """(tick, rank, message): at the same tick a note ends before the next begins."""
    for sound in heard:
        begin, end = (round(time * 4 * TICKS_PER_QUARTER) for time in (sound.begin, sound.end))
        yield begin, 1, mido.Message("note_on", note=sound.pitch, velocity=VELOCITY)
        yield max(end, begin + 1), 0, mido.Message("note_off", note=sound.pitch, velocity=0)
