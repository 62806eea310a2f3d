"""Let a language model write: one character at a time, each thrown with the die that the model loads."""

from collections.abc import Callable, Iterator
from itertools import islice

import torch
from torch import Tensor

from intro_dl.inference.load import LoadedRun
from intro_dl.scratch.sampling import sample
from intro_dl.tasks import LanguageModel


def known_part(prompt: str, alphabet: str, skip_unknown: bool = False) -> str:
    """The prompt, if the model can read it.

    Args:
        alphabet: the characters of the model.
        skip_unknown: leave out characters that the model never saw.

    Raises:
        ValueError: if there are such characters and they are not to be left out, or nothing is left.
    """
    unknown = list(dict.fromkeys(character for character in prompt if character not in alphabet))
    if unknown and not skip_unknown:
        named = ", ".join(map(repr, unknown[:10])) + (" and others" if len(unknown) > 10 else "")
        raise ValueError(
            f"The model never saw {named}, which the prompt has: write it without, or let unknown=skip leave "
            "out what is unknown."
        )
    known = "".join(character for character in prompt if character in alphabet)
    if not known:
        raise ValueError("The prompt has no character that the model knows: give it at least one.")
    return known


@torch.inference_mode()
def generate(
    model: LanguageModel,
    prompt: Tensor,
    samples: int = 1,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    seed: int = 0,
) -> Iterator[Tensor]:
    """Write on after a prompt, without end: yields the next token of every sample, (samples,).

    The model reads the prompt once; then it reads one character a step, and its state carries the rest. So a
    step costs the same however long the text is.

    Args:
        model: in eval mode.
        prompt: tokens (T,), T >= 1.
        samples: texts written side by side, each with its own state.
        temperature, top_k, top_p: as in `intro_dl.scratch.sampling.sample`.
        seed: the same one gives the same texts, for the same number of samples.
    """
    generator = torch.Generator().manual_seed(seed)
    logits, state = model(prompt.expand(samples, -1))  # (samples, T, V)
    while True:
        tokens = sample(logits[:, -1], temperature, top_k, top_p, generator)  # (samples,)
        yield tokens
        logits, state = model(tokens[:, None], state)  # (samples, 1, V)


def write_texts(
    run: LoadedRun,
    prompt: str,
    length: int = 500,
    samples: int = 1,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    seed: int = 0,
    stop: str | None = None,
    on_text: Callable[[str], None] = lambda text: None,
) -> list[str]:
    """Texts that begin with the prompt, as the model of a run goes on with it.

    Args:
        run: of a language model.
        length: characters to write after the prompt, at most.
        stop: end a text after this passage, if the model writes it.
        on_text: told each new piece of the first text at once: the prompt, then character by character.

    Raises:
        ValueError: if the model writes no text, or a setting is out of its range; the message says which.
    """
    check_writes_text(run)
    alphabet = run.metadata["alphabet"]
    if top_k is not None and top_k > len(alphabet):
        raise ValueError(f"top_k={top_k} is more than the {len(alphabet)} characters there are: choose less.")
    tokens = torch.tensor([alphabet.index(character) for character in known_part(prompt, alphabet)])
    texts = [list(prompt) for _ in range(samples)]  # character by character
    unfinished = set(range(samples))
    on_text(prompt)
    steps = generate(run.model, tokens, samples, temperature, top_k, top_p, seed)
    for step in islice(steps, length):
        written = step.tolist()
        for i in list(unfinished):
            texts[i].append(alphabet[written[i]])
            if i == 0:
                on_text(texts[0][-1])
            if stop and "".join(texts[i][max(len(prompt), len(texts[i]) - len(stop)) :]) == stop:
                unfinished.remove(i)
        if not unfinished:
            break
    return ["".join(text) for text in texts]


def check_writes_text(run: LoadedRun) -> None:
    """Refuse a run whose model predicts no characters."""
    if run.metadata["kind"] != "text" or not isinstance(run.model, LanguageModel):
        raise ValueError(
            f"{run.folder} holds a {type(run.model).__name__} trained on {run.metadata['data']}, which "
            "writes no text: name a run of model=char_lstm or model=char_rnn."
        )
