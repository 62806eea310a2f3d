"""Forward mode with dual numbers.

Lecture 004; slide "For each input, from input to output sequentially, evaluate graph and gradients". Claims
N19.

A dual number is a pair (value, slope): the value of a node of the graph, and its derivative with respect to
one chosen input. Each operation computes both. Write multiply and sine, and with them the slide's function
z = sin(x1) + x1 x2. To choose x1, give it the slope 1 and x2 the slope 0.
"""

import math

Dual = tuple[float, float]


def add(a: Dual, b: Dual) -> Dual:
    """Return a + b: values and slopes are added."""
    return a[0] + b[0], a[1] + b[1]


def multiply(a: Dual, b: Dual) -> Dual:
    """Return a b, by the product rule."""
    # solution
    return a[0] * b[0], a[1] * b[0] + a[0] * b[1]
    # end of solution


def sine(a: Dual) -> Dual:
    """Return sin(a), by the chain rule."""
    # solution
    return math.sin(a[0]), math.cos(a[0]) * a[1]
    # end of solution


def derivative(x1: float, x2: float, with_respect_to: int) -> float:
    """Return the derivative of z with respect to x1 (1) or x2 (2), with one forward pass."""
    # solution
    a, b = (x1, float(with_respect_to == 1)), (x2, float(with_respect_to == 2))
    return add(sine(a), multiply(a, b))[1]
    # end of solution


# The student's file ends here.

import torch

from intro_dl.exercises.engine.exercise import Case, mistake

FORBIDDEN = ("autograd", "backward", "func", "jvp")
HINTS = (
    "The slope of a product needs both values and both slopes: (a b)' = a' b + a b'.",
    "The slope of sin(a) is cos(a) times the slope of a.",
    (
        "In derivative, build the two duals of the inputs first. The last pair holds the answer in its "
        "second place."
    ),
)


def cases(generator: torch.Generator) -> list[Case]:
    a, b, c, d = torch.randn(4, generator=generator, dtype=torch.float64).tolist()
    return [
        Case("multiply", ((a, 1.0), (b, 0.0))),
        Case("multiply", ((a, c), (b, d))),
        Case("sine", ((a, 1.0),)),
        Case("sine", ((b, d),)),
        Case("derivative", (2.0, 3.0, 1)),
        Case("derivative", (2.0, 3.0, 2)),
        Case("derivative", (a, b, 1)),
        Case("derivative", (a, b, 2)),
    ]


@mistake(
    "multiply",
    "You multiplied the slopes. The derivative of a product is not the product of the derivatives: it is "
    "a' b + a b'.",
)
def product_of_slopes(a: Dual, b: Dual) -> Dual:
    return a[0] * b[0], a[1] * b[1]


@mistake(
    "multiply",
    "Each slope is multiplied by the value of its own factor. The product rule crosses them: the slope of a "
    "meets the value of b, and the other way round.",
)
def uncrossed(a: Dual, b: Dual) -> Dual:
    return a[0] * b[0], a[1] * a[0] + b[0] * b[1]


@mistake(
    "multiply",
    "Your rule holds b fixed, so a change of b is lost. Both factors may depend on the chosen input: "
    "add a b'.",
)
def half_of_the_rule(a: Dual, b: Dual) -> Dual:
    return a[0] * b[0], a[1] * b[0]


@mistake(
    "sine",
    "You forgot the inner derivative. The chain rule multiplies cos(a) by the slope with which a itself "
    "changes.",
)
def without_the_inner_slope(a: Dual) -> Dual:
    return math.sin(a[0]), math.cos(a[0])


@mistake(
    "sine",
    "You applied sin to the slope too. The slope is not a value: the chain rule scales it by cos(a).",
)
def sine_of_the_slope(a: Dual) -> Dual:
    return math.sin(a[0]), math.sin(a[1])


@mistake(
    "derivative",
    "You returned the value of z. The derivative is the second number of the pair.",
)
def value_for_slope(x1: float, x2: float, with_respect_to: int) -> float:
    return math.sin(x1) + x1 * x2


@mistake(
    "derivative",
    "Both inputs got the slope 1, which gives the sum of the two derivatives. "
    "One forward pass follows one input: the other has the slope 0.",
)
def both_at_once(x1: float, x2: float, with_respect_to: int) -> float:
    return math.cos(x1) + x2 + x1
