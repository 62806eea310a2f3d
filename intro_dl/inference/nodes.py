"""Predict the classes of the nodes of a run's own graph."""

from collections.abc import Iterable, Iterator
from typing import Any

import torch

from intro_dl.inference.data import data_for
from intro_dl.inference.load import LoadedRun


@torch.inference_mode()
def predict_nodes(run: LoadedRun, words: Iterable[Any], options: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the most likely class of each node that `words` name by its number, e.g. "8"."""
    graph, _ = data_for(run, None, {}).splits["train"]
    probabilities = run.model(graph)[0].softmax(dim=-1)  # (N, K)
    for word in words:
        text = str(word)
        if not text.isdecimal() or int(text) >= len(probabilities):
            yield {
                "node": text,
                "error": f"Unknown node {text}: choose one from 0 to {len(probabilities) - 1}.",
            }
            continue
        probability, place = probabilities[int(text)].max(dim=0)
        yield {"node": text, "class": run.metadata["classes"][place], "probability": float(probability)}
