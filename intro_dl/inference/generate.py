"""Let the language model of a run write texts, character by character."""

from collections.abc import Callable
from itertools import islice

import torch

from intro_dl.inference.load import LoadedRun
from intro_dl.scratch.sampling import generate
from intro_dl.tasks import LanguageModel


@torch.inference_mode()
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
    """Return texts that begin with the prompt and continue as the model predicts.

    Args:
        run: of a language model.
        prompt: at least one character, all known to the model.
        length: characters to write after the prompt, at most.
        samples: number of texts, written side by side.
        temperature, top_k, top_p: as in `intro_dl.scratch.sampling.sample`.
        seed: the same seed gives the same texts, for the same number of samples.
        stop: ends a text after this passage, if the model writes it.
        on_text: called at once with each new piece of the first text: the prompt, then single characters.

    Raises:
        ValueError: if the model writes no text, has never seen a character of the prompt, or knows fewer
            characters than `top_k`.
    """
    check_writes_text(run)
    alphabet = run.metadata["alphabet"]
    if unknown := list(dict.fromkeys(character for character in prompt if character not in alphabet)):
        shown = ", ".join(map(repr, unknown[:10])) + (" and others" if len(unknown) > 10 else "")
        raise ValueError(f"The model has never seen {shown} of the prompt: leave it out.")
    if top_k is not None and top_k > len(alphabet):
        raise ValueError(f"Invalid top_k={top_k}: the model knows {len(alphabet)} characters. Choose less.")
    tokens = torch.tensor([alphabet.index(character) for character in prompt])
    texts, unfinished = [prompt] * samples, set(range(samples))
    on_text(prompt)
    steps = generate(run.model, tokens.expand(samples, -1), temperature, top_k, top_p, seed)
    for step in islice(steps, length):
        written = step.tolist()
        for i in list(unfinished):
            texts[i] += alphabet[written[i]]
            if i == 0:
                on_text(texts[0][-1])
            if stop and texts[i].endswith(stop, len(prompt)):
                unfinished.remove(i)
        if not unfinished:
            break
    return texts


def check_writes_text(run: LoadedRun) -> None:
    """Refuse a run whose model predicts no characters."""
    if run.kind != "text" or not isinstance(run.model, LanguageModel):
        raise ValueError(
            f"{run.folder} holds a {type(run.model).__name__} trained on {run.metadata['data']}, which "
            "writes no text: name a run of model=char_lstm or model=char_rnn."
        )
