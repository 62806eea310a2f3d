"""Compress an input into a short code, and learn by the error of restoring it."""

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from intro_dl.tasks.base import Task


class Autoencoder(Task):
    """Restore the input from a short code: the loss is the mean squared error to the input itself.

    It trains without labels: the code is a representation that nobody has chosen.
    """

    unsupervised = True

    def encode(self, inputs: Tensor) -> Tensor:
        """Return the codes (B, code_size) of inputs (B, *in_shape)."""
        raise NotImplementedError(f"{type(self).__name__} must define encode(inputs)")

    def decode(self, codes: Tensor) -> Tensor:
        """Return the inputs (B, *in_shape) that codes (B, code_size) stand for."""
        raise NotImplementedError(f"{type(self).__name__} must define decode(codes)")

    def metrics(self, batch):
        inputs, _ = batch
        return {"loss": F.mse_loss(self(inputs), inputs)}

    @torch.no_grad()
    def rivals(self, train, test):
        """Return the test error of PCA with as many codes; with labels, also what both codes tell of them.

        This is the accuracy of the 5 nearest neighbors among the training codes, which have labels.
        """
        from sklearn.decomposition import PCA  # here: only the end of a run needs it
        from sklearn.neighbors import KNeighborsClassifier

        (known, labels), (inputs, answers) = train, test
        flat, flat_inputs = known.flatten(1).numpy(), inputs.flatten(1).numpy()
        pca = PCA(self.hparams["code_size"], random_state=0).fit(flat)
        codes = pca.transform(flat_inputs)
        rivals = {"PCA": float(np.square(pca.inverse_transform(codes) - flat_inputs).mean())}
        if not labels.is_floating_point():
            nearest = KNeighborsClassifier(5).fit(self.encode(known).numpy(), labels.numpy())
            rivals["5-NN accuracy, own codes"] = nearest.score(self.encode(inputs).numpy(), answers.numpy())
            nearest.fit(pca.transform(flat), labels.numpy())
            rivals["5-NN accuracy, PCA codes"] = nearest.score(codes, answers.numpy())
        return rivals
