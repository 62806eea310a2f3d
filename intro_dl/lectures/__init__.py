"""The claims of five lectures, each a function that can fail, and the errata of their slides.

`lecture_000/` to `lecture_004/` hold the claims: each package lists its parts in slide order in `PARTS`.
`engine/` runs the claims and reports them.
"""

# The lectures in the order in which the command shows them.
LECTURES = {
    "000": "MIT 6.S191, lecture 1, 2018",
    "001": "An Introduction to Deep Learning (MNIST, CNN, RNN, LSTM)",
    "002": "UNSW COMP9321, 2019, week 7: Introduction to Neural Networks",
    "003": "MIT 6.S191, lecture 1, 2022",
    "004": "M. Kagan, IN2P3 School of Statistics 2021, lecture I",
}
