"""Callbacks that draw what a model reads, computes and gets wrong into TensorBoard.

`callbacks=visualize` switches all of them on; the cheap ones are part of `callbacks=default`. A callback
that does not apply to a model draws nothing: a regressor has no confusion matrix, an MLP has no gates.
"""
