"""Lecture 001: sequences: one or many to one or many, and why time steps need a memory."""

import torch
from torch import Tensor

from intro_dl.data.images import Digits
from intro_dl.data.sentences import decode, encode, vocabulary
from intro_dl.lectures.engine.claims import Check, Outcome, claim, within
from intro_dl.lectures.engine.short_runs import fit
from intro_dl.tasks import Writer
from intro_dl.training import product

UNITS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")


def number_words(number: int) -> str:
    """Return e.g. "thirty seven" for a number from 20 to 99."""
    tens, units = divmod(number, 10)
    return " ".join([TENS[tens - 2], *([UNITS[units - 1]] if units else [])])


def learn_to_write(writer: Writer, inputs: Tensor, sentences: Tensor) -> None:
    """Train a model of the product to write sentences (N, T) about inputs (N, ...), all at once."""
    optimizer = product.optimizer(writer.parameters(), "optim=adam", "optim.lr=0.01")
    for _ in range(120):
        optimizer.zero_grad()
        writer.metrics((inputs, sentences))["loss"].backward()
        optimizer.step()
    writer.eval()


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

    judge, opinions = product.train("model=sentiment", "trainer.max_epochs=4")
    sentences, moods = opinions.whole("test")
    with torch.no_grad():
        right = (judge.eval().predict(judge(sentences)) == moods).double().mean().item()

    images = Digits()
    images.setup()
    pixels, labels = images.whole("train")
    known = [(labels == digit).nonzero()[:2, 0].tolist() for digit in range(1, 10)]  # two pictures of each
    spelled = [" ".join(name) for name in UNITS]  # a letter is a word
    letters = vocabulary(spelled)
    captioner = product.model("model=captioner", in_shape=(1, 28, 28), vocab_size=len(letters))
    learn_to_write(captioner, pixels[[first for first, _ in known]], encode(spelled, letters, stop=True))
    captions, others = (
        [text.replace(" ", "") for text in decode(captioner.write(pixels[list(shown)], 6), letters)]
        for shown in zip(*known, strict=True)
    )

    order = (20 + torch.randperm(80)).tolist()
    new = [number for number in order if number % 10][:15]
    rest = [number for number in order if number not in new]
    names = [number_words(number) for number in rest]
    digits, words = vocabulary(" ".join(str(number)) for number in rest), vocabulary(names)
    translator = product.model("model=translator", source_size=len(digits), vocab_size=len(words))

    def read(numbers: list[int]) -> Tensor:
        return encode([" ".join(str(number)) for number in numbers], digits)

    learn_to_write(translator, read(rest), encode(names, words, stop=True))
    texts = dict(zip(order, decode(translator.write(read(order), 4), words), strict=True))

    def correct(numbers: list[int]) -> int:
        return sum(texts[number] == number_words(number) for number in numbers)

    lengths = sorted({len(texts[number].split()) for number in rest})
    return Outcome(
        [
            within(
                "one to one: probability that the student with 4 lectures and 5 hours passes", passes, low=0.8
            ),
            within("many to one: accuracy on new sentences, whose order counts", right, low=0.95),
            within("... of counting words", opinions.rivals("test")["bag of words"], low=0.4, high=0.6),
            Check("one to many: names written for pictures of 1 to 9", " ".join(captions), " ".join(UNITS)),
            Check("many to many: numbers, of 65, whose words are all right", correct(rest), 65),
            Check("... 2 digits in; words out, without the end", lengths, [1, 2]),
        ],
        [
            "Stand-ins: 'one to one' is model=perceptron on data=pass_class, students drawn at random; 'many "
            "to one' is model=sentiment on its generated sentences, data=opinions.",
            "Captions: model=captioner, a scanned digit in; 3 to 5 letters out. Nine captions, memorized. "
            f"Right of nine other pictures: {sum(a == b for a, b in zip(others, UNITS, strict=True))}.",
            "Translation: model=translator, digits into English, 65 numbers, memorized. Right of 15 other "
            f"numbers: {correct(new)}; the first is {new[0]}, {texts[new[0]]}.",
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
