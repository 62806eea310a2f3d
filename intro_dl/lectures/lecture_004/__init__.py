"""Lecture 004: M. Kagan, IN2P3 School of Statistics 2021, lecture I."""

PARTS = (  # in slide order
    "applications",
    "regularization",
    "logistic_regression",
    "gradient_descent",
    "adaptive_basis",
    "changing_graphs",
    "autodiff",
    "backpropagation",
    "capacity",
    "convolution",
    "deep_networks",
    "multiclass",
)
