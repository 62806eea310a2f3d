"""Lecture 004: M. Kagan, IN2P3 School of Statistics 2021, lecture I."""

PARTS = (
    "applications",
    "logistic_regression",
    "adaptive_basis",
    "changing_graphs",
    "autodiff",
    "backpropagation",
    "capacity",
    "convolution",
    "deep_networks",
    "multiclass",
)  # in slide order
