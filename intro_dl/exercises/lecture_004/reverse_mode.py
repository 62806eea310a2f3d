"""Reverse mode: from the end to the beginning.

Lecture 004; slide "Compute derivatives with chain rule from end to beginning". Claims N20.

A tape lists the nodes of a graph in the order in which they were computed. Each node is a pair: the
operation ("input", "add", "mul" or "sin") and the places of the nodes that it reads. The slide's z =
sin(x1) + x1 x2 is

    [("input", []), ("input", []), ("mul", [0, 1]), ("sin", [0]), ("add", [2, 3])]

The last node is z. Start with dz/dz = 1 and go back: each node hands its derivative to the nodes that it
reads, times its local derivative. A node that several others read collects what all of them hand to it.
"""

import math

Tape = list[tuple[str, list[int]]]


def derivatives(tape: Tape, values: list[float]) -> list[float]:
    """Return dz/dnode of every node, in the order of the tape.

    Args:
        tape: the nodes, inputs first.
        values: the value of each node.
    """
    # solution
    slopes = [0.0] * len(tape)
    slopes[-1] = 1.0
    for place in range(len(tape) - 1, -1, -1):
        operation, reads = tape[place]
        if operation == "add":
            for each in reads:
                slopes[each] += slopes[place]
        elif operation == "mul":
            a, b = reads
            slopes[a] += slopes[place] * values[b]
            slopes[b] += slopes[place] * values[a]
        elif operation == "sin":
            slopes[reads[0]] += slopes[place] * math.cos(values[reads[0]])
    return slopes
    # end of solution


# The student's file ends here.

import torch

from intro_dl.exercises.engine.exercise import Case, mistake

FORBIDDEN = ("autograd", "backward", "func", "vjp")
HINTS = (
    "Make a list of zeros, one for each node, and set the last one to 1.",
    "Go through the tape backwards: range(len(tape) - 1, -1, -1).",
    "Add with +=, since x1 of the example is read twice: by the product and by the sine.",
)
SLIDE = [("input", []), ("input", []), ("mul", [0, 1]), ("sin", [0]), ("add", [2, 3])]
SQUARES = [("input", []), ("mul", [0, 0]), ("sin", [1]), ("mul", [1, 2]), ("add", [3, 3])]
CHAIN = [("input", []), ("sin", [0]), ("sin", [1]), ("sin", [2])]


def cases(generator: torch.Generator) -> list[Case]:
    found = []
    for tape in (SLIDE, SQUARES, CHAIN):
        inputs = torch.randn(2, generator=generator, dtype=torch.float64).tolist()
        found.append(Case("derivatives", (tape, forward(tape, [2.0, 3.0] if tape is SLIDE else inputs))))
        found.append(Case("derivatives", (tape, forward(tape, inputs))))
    return found


def forward(tape: Tape, inputs: list[float]) -> list[float]:
    """Return the value of each node."""
    values: list[float] = []
    for operation, reads in tape:
        read = [values[each] for each in reads]
        if operation == "input":
            values.append(inputs[len(values)])
        else:
            values.append(
                {"add": sum, "mul": math.prod, "sin": lambda read: math.sin(read[0])}[operation](read)
            )
    return values


@mistake(
    "derivatives",
    "You overwrote a derivative with = where several nodes read the same one. "
    "Every path to z counts: collect with +=.",
)
def overwritten(tape: Tape, values: list[float]) -> list[float]:
    slopes = [0.0] * len(tape)
    slopes[-1] = 1.0
    for place in range(len(tape) - 1, -1, -1):
        operation, reads = tape[place]
        if operation == "add":
            for each in reads:
                slopes[each] = slopes[place]
        elif operation == "mul":
            a, b = reads
            slopes[a] = slopes[place] * values[b]
            slopes[b] = slopes[place] * values[a]
        elif operation == "sin":
            slopes[reads[0]] = slopes[place] * math.cos(values[reads[0]])
    return slopes


@mistake(
    "derivatives",
    "You used only the local derivatives. The chain rule multiplies each by the derivative of the node that "
    "hands it back.",
)
def only_local(tape: Tape, values: list[float]) -> list[float]:
    slopes = [0.0] * len(tape)
    slopes[-1] = 1.0
    for place in range(len(tape) - 1, -1, -1):
        operation, reads = tape[place]
        if operation == "add":
            for each in reads:
                slopes[each] += 1.0
        elif operation == "mul":
            a, b = reads
            slopes[a] += values[b]
            slopes[b] += values[a]
        elif operation == "sin":
            slopes[reads[0]] += math.cos(values[reads[0]])
    return slopes


@mistake(
    "derivatives",
    "In a product, each factor got its own value. The derivative of a b with respect to a is b: the "
    "value of the other factor.",
)
def own_value(tape: Tape, values: list[float]) -> list[float]:
    slopes = [0.0] * len(tape)
    slopes[-1] = 1.0
    for place in range(len(tape) - 1, -1, -1):
        operation, reads = tape[place]
        for each in reads:
            local = {"add": 1.0, "mul": values[each], "sin": math.cos(values[each])}[operation]
            slopes[each] += slopes[place] * local
    return slopes


@mistake(
    "derivatives",
    "You went through the tape from the beginning. A node hands its derivative back only when its own is "
    "complete, so the last node comes first.",
)
def forwards(tape: Tape, values: list[float]) -> list[float]:
    slopes = [0.0] * len(tape)
    slopes[-1] = 1.0
    for place in range(len(tape)):
        operation, reads = tape[place]
        if operation == "add":
            for each in reads:
                slopes[each] += slopes[place]
        elif operation == "mul":
            a, b = reads
            slopes[a] += slopes[place] * values[b]
            slopes[b] += slopes[place] * values[a]
        elif operation == "sin":
            slopes[reads[0]] += slopes[place] * math.cos(values[reads[0]])
    return slopes
