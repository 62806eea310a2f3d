"""Sentences and the data sets that have them: splits, vocabularies, and pictures that fit their captions."""

import pytest
import torch

from intro_dl.config.validate import validate
from intro_dl.data import glyphs
from intro_dl.data.emoji_names import EmojiNames, concept, names
from intro_dl.data.scenes import COLORS, SHAPES, Scenes, captions, draw
from intro_dl.data.sentences import decode, encode, vocabulary
from intro_dl.tasks.writing import PADDING, SPECIAL, STOP, UNKNOWN


def test_sentences_become_numbers_and_back():
    words = vocabulary(["a red cat", "a dog"])
    assert words == [*SPECIAL, "a", "cat", "dog", "red"]
    tokens = encode(["a dog", "a blue cat"], words, stop=True)
    assert tokens.tolist() == [[4, 6, STOP, PADDING], [4, UNKNOWN, 5, STOP]]
    assert decode(tokens, words) == ["a dog", "a <unknown> cat"]


@pytest.mark.parametrize("held_out", ["phrases", "concepts"])
def test_no_phrase_is_in_two_splits_and_the_vocabulary_is_that_of_training(held_out):
    data = EmojiNames(held_out=held_out)
    data.setup()
    train, val, test = (set(data.phrases[split]) for split in ("train", "val", "test"))
    assert not (train | val) & test and not train & val
    assert len(train) + len(val) + len(test) == len(names("fr")) > 3_000
    seen = {word for phrase in train for word in phrase.split()}
    assert set(data.source_words) == seen | set(SPECIAL)
    assert UNKNOWN not in data.splits["train"][0] and UNKNOWN not in data.splits["train"][1]
    shared = {concept(phrase) for phrase in test} & {concept(phrase) for phrase in train | val}
    assert bool(shared) == (held_out == "phrases")


def test_a_concept_has_no_skin_tone_no_gender_and_no_direction():
    phrases = [
        "man running facing right dark skin tone",
        "woman running",
        "person running medium-light skin tone",
    ]
    assert {concept(phrase) for phrase in phrases} == {"running"}


def test_names_are_those_of_the_package_without_flags():
    french = names("fr")
    assert french["grinning face"] == "visage rieur"
    assert not {"Fiji", "Scotland"} & french.keys()


def test_a_language_that_the_package_lacks_is_a_sentence(make_config):
    with pytest.raises(ValueError, match=r"data.language=xx: choose one of ar, de, es, fa, fr, id, it, ko"):
        validate(make_config("model=translator", "data.language=xx"))


def test_a_scene_shows_what_its_caption_says():
    objects = torch.tensor([[[0, 1], [2, 1]], [[3, 1], [1, 1]]])  # squares
    relations = torch.tensor([0, 1])
    assert captions(objects, relations) == [
        "a red square above a blue square",
        "a yellow square left of a green square",
    ]
    pictures = draw(objects, relations, torch.Generator().manual_seed(0))
    palette = list(COLORS.values())
    centers = []
    for picture, pair in zip(pictures, objects, strict=True):
        for color, _ in pair.tolist():
            mask = (picture == torch.tensor(palette[color])[:, None, None]).all(dim=0)
            assert mask.sum() > 60
            centers.append(mask.nonzero().float().mean(dim=0))  # (row, column)
    assert centers[0][0] < centers[1][0] and centers[2][1] < centers[3][1]


def test_no_shape_is_both_above_and_left_of_the_other():
    count, generator = 300, torch.Generator().manual_seed(0)
    objects = torch.tensor([[0, 1], [2, 1]]).expand(count, 2, 2)
    relations = torch.arange(count) % 2
    pictures = draw(objects, relations, generator).float()
    grid = torch.stack(torch.meshgrid(torch.arange(32.0), torch.arange(32.0), indexing="ij"))  # (2, 32, 32)
    centers = []
    for color in ("red", "blue"):
        mask = (pictures == torch.tensor(COLORS[color])[:, None, None]).all(dim=1)[:, None]  # (N, 1, 32, 32)
        centers.append((mask * grid).sum(dim=(2, 3)) / mask.sum(dim=(2, 3)))  # (N, 2): row and column
    apart = (centers[1] - centers[0]).abs()
    assert apart.argmax(dim=1).equal(relations)  # the larger distance is the one that the caption names


def test_the_four_shapes_differ():
    objects = torch.tensor([[[0, shape], [1, 0]] for shape in range(len(SHAPES))])
    pictures = draw(objects, torch.zeros(4, dtype=torch.long), torch.Generator().manual_seed(0))
    areas = (pictures[:, 0] == COLORS["red"][0]).sum(dim=(1, 2))
    assert len(set(areas.tolist())) == 4


def test_held_out_pairs_are_in_every_test_picture_and_in_no_other():
    data = Scenes(held_out="pairs")
    data.setup()
    rare = [f"{color} {shape}" for color, shape in zip(COLORS, SHAPES, strict=False)]
    has = {
        split: [any(pair in text for pair in rare) for text in decode(sentences, data.words)]
        for split, (_, sentences) in data.splits.items()
    }
    assert all(has["test"]) and not any(has["train"]) and not any(has["val"])
    assert [len(found) for found in has.values()] == [3_000, 400, 400]


def test_a_glyph_has_its_unicode_name_and_no_letter_is_in_two_splits():
    data = glyphs.Glyphs()
    found = data.pictures()
    names_of = {split: set(captions) for split, (_, captions) in found.items()}
    assert len(set().union(*names_of.values())) == sum(map(len, names_of.values())) == 1_644
    assert [len(names) for names in names_of.values()] == [1_316, 164, 164]
    everything = {
        name: image for images, texts in found.values() for name, image in zip(texts, images, strict=True)
    }
    plain, dotted = everything["latin capital letter e"], everything["latin capital letter e with dot above"]
    assert plain.shape == (1, 32, 32) and plain.dtype == torch.uint8
    above, below = (dotted.int() - plain.int()).abs()[0].split([10, 22])  # the last font draws both
    assert above.any() and not below.any()  # the same letter on the same line, and a dot
    assert all(
        (images[:, :, edge] == 255).float().mean() > 0.97 for images, _ in found.values() for edge in (0, 31)
    )


def test_letters_are_those_of_three_alphabets():
    assert [glyphs.is_letter(character) for character in "aβжא1-"] == [True, True, True, False, False, False]
    assert glyphs.name("ñ") == "latin small letter n with tilde"


def test_no_scene_is_in_two_splits():
    data = Scenes()
    data.setup()
    train, test = (
        {image.numpy().tobytes() for image in data.splits[split][0]} for split in ("train", "test")
    )
    assert not train & test
