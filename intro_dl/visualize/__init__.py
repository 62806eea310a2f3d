"""Pictures of what a model reads, computes and gets wrong: callbacks that change nothing learned.

`callbacks=visualize` turns all of them on; the light ones are part of `callbacks=default`. Each one does
nothing where it does not apply: a regressor has no confusion matrix, an MLP no gates.
"""
