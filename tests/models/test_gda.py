"""Gaussian discriminant analysis by gradient is the one of the textbooks."""

import pytest
import torch
from sklearn.datasets import load_iris, load_wine
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis, QuadraticDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression

from intro_dl.data.tables import Iris, Wine
from intro_dl.lectures.engine.numerics import minimize
from intro_dl.models.gda import GDA


def standardized(load):
    inputs, labels = (torch.from_numpy(part) for part in load(return_X_y=True))
    return (inputs - inputs.mean(dim=0)) / inputs.std(dim=0), labels


def fitted(inputs, labels, **options):
    model = GDA((inputs.shape[1],), 3, **options).double()
    minimize(lambda: model.metrics((inputs, labels))["loss"], list(model.parameters()), 300)
    return model


@pytest.mark.parametrize("load", [load_iris, load_wine])
@pytest.mark.parametrize("shared", [True, False])
def test_the_posteriors_are_those_of_discriminant_analysis(load, shared):
    inputs, labels = standardized(load)
    twin = LinearDiscriminantAnalysis(solver="lsqr") if shared else QuadraticDiscriminantAnalysis()
    expected = torch.from_numpy(twin.fit(inputs, labels).predict_proba(inputs))
    posteriors = fitted(inputs, labels, shared=shared)(inputs).softmax(dim=1)
    torch.testing.assert_close(posteriors.detach(), expected, atol=1e-3, rtol=0)


def test_with_cross_entropy_it_is_logistic_regression():
    inputs, labels = standardized(load_iris)
    model = fitted(inputs, labels, loss="cross_entropy")
    expected = LogisticRegression(C=1e6, max_iter=10_000).fit(inputs, labels).score(inputs, labels)
    assert float(model.metrics((inputs, labels))["accuracy"]) == pytest.approx(expected, abs=0.01)
    scores = model(inputs).detach()
    differences = scores - scores[:, :1]  # what the softmax sees is linear in the inputs
    ones = torch.cat([inputs, torch.ones(len(inputs), 1)], dim=1)
    residual = differences - ones @ torch.linalg.lstsq(ones, differences).solution
    assert residual.abs().max() < 1e-6 * differences.abs().max()


@pytest.mark.parametrize("data", [Iris(), Wine()])
def test_a_table_is_split_once_and_standardized_by_its_training_rows(data):
    data.setup()
    assert len(torch.cat([targets for _, targets in data.splits.values()])) == sum(data.SIZES.values())
    inputs = data.transform(data.splits["train"][0])
    torch.testing.assert_close(inputs.mean(dim=0), torch.zeros(inputs.shape[1]), atol=1e-5, rtol=0)
    assert len(data.features) == inputs.shape[1]
