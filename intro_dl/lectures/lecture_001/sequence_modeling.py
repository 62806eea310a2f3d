"""Lecture 001: sequences: one or many to one or many, and why time steps need a memory."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from intro_dl.lectures.engine.claims import Check, Outcome, claim, within
from intro_dl.lectures.engine.short_runs import fit
from intro_dl.models.char_rnn import CharRNN
from intro_dl.training import product

UNITS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine")

TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")

LETTERS = "efghinorstuvwx"  # of the names of the nine digits

TOKENS = [*"0123456789", *LETTERS, *UNITS, *TENS, "not", "very", "good", "bad", "<start>", "<end>"]


def tokens(*words: str) -> Tensor:
    """Return the numbers of words, (T,)."""
    return torch.tensor([TOKENS.index(word) for word in words])


def number_words(number: int) -> list[str]:
    """Return e.g. ["thirty", "seven"] for a number from 20 to 99."""
    tens, units = divmod(number, 10)
    return [TENS[tens - 2], *([UNITS[units - 1]] if units else [])]


def reviews(length: int) -> tuple[Tensor, Tensor]:
    """Return all reviews of `length` words with at most one "not", e.g. "very not good", and their moods.

    Returns:
        Tokens (2 length, length), and the token of "good" or "bad", (2 length,): "not" turns the last word.
    """
    texts, moods = [], []
    for last, other in (("good", "bad"), ("bad", "good")):
        for place in range(length):  # at the last place stands no "not"
            words = ["not" if each == place else "very" for each in range(length - 1)]
            texts.append(tokens(*words, last))
            moods.append(tokens(last if place == length - 1 else other))
    return torch.stack(texts), torch.cat(moods)


# The seam for models that read and write sequences: with one in the product, replace these two functions.
def learn_to_write(reader: CharRNN, writer: CharRNN, inputs: Tensor, targets: list[list[str]]) -> None:
    """Train a cell to read inputs (B, T), and one to write the targets, starting from the last state."""
    written = [tokens("<start>", *words, "<end>") for words in targets]
    padded = nn.utils.rnn.pad_sequence(written, batch_first=True, padding_value=-100)  # (B, L)
    optimizer = product.optimizer([*reader.parameters(), *writer.parameters()], "optim=adam", "optim.lr=0.01")
    for _ in range(200):
        optimizer.zero_grad()
        _, state = reader(inputs)
        logits, _ = writer(padded[:, :-1].clamp(min=0), state)  # -100 after the end is read, but not scored
        nn.functional.cross_entropy(logits.flatten(0, 1), padded[:, 1:].flatten()).backward()
        optimizer.step()


def write(reader: CharRNN, writer: CharRNN, inputs: Tensor) -> list[str]:
    """Return the words that follow inputs (T,): each word is fed back, until the end is written."""
    with torch.no_grad():
        _, state = reader(inputs[None])
        word, words = tokens("<start>"), []
        while len(words) < 6:
            logits, state = writer(word[None], state)
            word = logits[0, -1:].argmax(dim=1)
            if TOKENS[word] == "<end>":
                break
            words.append(TOKENS[word])
    return words


def learn_to_judge(reader: CharRNN, lengths: Sequence[int]) -> None:
    """Train a cell to give the mood of all reviews of these lengths as its last output."""
    optimizer = product.optimizer(reader.parameters(), "optim=adam", "optim.lr=0.02")
    for _ in range(250):
        optimizer.zero_grad()
        for length in lengths:
            words, moods = reviews(length)
            nn.functional.cross_entropy(reader(words)[0][:, -1], moods).backward()
        optimizer.step()


@claim(
    "F41",
    lectures=["001"],
    slide="Sequence Modeling Applications",
    says="One to one: will I pass this class? Many to one: sentiment. One to many: captioning. "
    "Many to many: translation.",
    kind="holds",
)
def four_shapes() -> Outcome:
    student, data = product.train("model=perceptron", "data=pass_class", "trainer.max_epochs=10")
    passes = student(data.transform(torch.tensor([[4.0, 5.0]]))).item()

    def cells() -> tuple[CharRNN, CharRNN]:
        return CharRNN(len(TOKENS), hidden_size=32), CharRNN(len(TOKENS), hidden_size=32)

    judge, _ = cells()
    learn_to_judge(judge, lengths=(2, 3, 4))
    right = {}
    for length in (2, 3, 4, 6):
        words, moods = reviews(length)
        right[length] = (judge(words)[0][:, -1].argmax(dim=1) == moods).double().mean().item()

    reader, writer = cells()
    digits = [tokens(str(digit)) for digit in range(1, 10)]
    learn_to_write(reader, writer, torch.stack(digits), [list(name) for name in UNITS])
    captions = ["".join(write(reader, writer, digit)) for digit in digits]

    reader, writer = cells()
    order = (20 + torch.randperm(80)).tolist()
    new = [number for number in order if number % 10][:15]
    known = [number for number in order if number not in new]
    learn_to_write(
        reader, writer, torch.stack([tokens(*str(n)) for n in known]), [number_words(n) for n in known]
    )
    texts = {number: write(reader, writer, tokens(*str(number))) for number in [*new, *known]}

    def correct(numbers: list[int]) -> int:
        return sum(texts[number] == number_words(number) for number in numbers)

    lengths = sorted({len(texts[number]) for number in known})
    return Outcome(
        [
            within(
                "one to one: probability that the student with 4 lectures and 5 hours passes", passes, low=0.8
            ),
            Check(
                "many to one: share of the moods that are right, 2 to 4 words",
                [right[n] for n in (2, 3, 4)],
                [1.0] * 3,
            ),
            Check("one to many: names written for the digits 1 to 9", " ".join(captions), " ".join(UNITS)),
            Check("many to many: numbers, of 65, whose words are all right", correct(known), 65),
            Check("... 2 digits in; words out, without the end", lengths, [1, 2]),
        ],
        [
            "Stand-ins: 'one to one' is model=perceptron on data=pass_class, students drawn at random. The "
            "others are the recurrent cell of models/char_rnn.py, once to read and once to write.",
            "Sentiment: made-up reviews with at most one 'not', learned by heart. Longer ones, of 6 words: "
            f"{right[6]:.0%} right.",
            "Captions: one token, not an image, in; 3 to 5 letters out. Nine captions, learned by heart.",
            "Translation: digits into English, 65 numbers, learned by heart. The writer starts from the "
            "reader's last state and reads its own words. Right of 15 other numbers: "
            f"{correct(new)}; the first is {new[0]}, {' '.join(texts[new[0]])}.",
        ],
    )


@claim(
    "R9",
    lectures=["001"],
    slide="Handling Individual Time Steps; Neurons with Recurrence",
    says="Time steps handled one by one have no memory; a state, updated at each step, remembers.",
    kind="holds",
)
def memory_is_needed() -> Outcome:
    words = "the dog bit the man".split()  # "the" occurs twice: what follows depends on what was before
    names = list(dict.fromkeys(words))
    text = torch.tensor([names.index(word) for word in words])
    inputs, targets = text[:-1], text[1:]
    table = torch.zeros(len(names), len(names))  # how often a word follows another
    table.index_put_((inputs, targets), torch.ones(len(inputs)), accumulate=True)
    table = table / table.sum(dim=1, keepdim=True).clamp(min=1)
    chances = table[inputs, targets]
    floor = -chances.log().mean().item()  # no function of one word has a lower loss

    losses, after_the = {}, {}
    for name in ("char_rnn", "char_lstm"):
        for memory in (True, False):
            model = product.model(f"model={name}", "model.hidden_size=8", vocab_size=len(names))
            # Without memory each word is a text of its own, so the state starts at zero.
            batch = (inputs[None], targets[None]) if memory else (inputs[:, None], targets[:, None])
            losses[name, memory] = fit(model, *batch, steps=150, lr=0.05)["loss"]
            logits = model(batch[0])[0].reshape(len(inputs), -1)
            after_the[name, memory] = logits.softmax(dim=1)[[0, 3], targets[[0, 3]]].tolist()
    checks = [
        Check(
            'table of word pairs: probability of "dog" and "man" after "the"',
            chances[[0, 3]],
            torch.tensor([0.5, 0.5]),
        )
    ]
    for name in ("char_rnn", "char_lstm"):
        checks += [
            within(
                f"model={name}: the smaller of the two after 150 steps", min(after_the[name, True]), low=0.9
            ),
            within("... loss", losses[name, True], high=0.1),
            within("the same without memory: the smaller of the two", min(after_the[name, False]), high=0.5),
            Check("... loss, against the table's", losses[name, False], floor, 0.01),
        ]
    return Outcome(
        checks,
        [
            f'One sentence, "{" ".join(words)}", learned by heart: it shows what memory allows, not how well '
            "it works on new text.",
            f"table of word pairs: loss {floor:.4f} = 2 ln 2 / 4",
        ],
    )
