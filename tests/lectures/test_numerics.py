"""The numbers that claims rest on: slopes, fits, pieces."""

import pytest
import torch

from intro_dl.lectures.engine.numerics import (
    along,
    count_pieces,
    finite_difference,
    fit_logistic,
    fit_output_weights,
    gradient,
    logistic_hessian,
    logistic_loss,
    minimize,
    normal,
    numbers,
    steep_sigmoids,
    tent,
    with_one,
)


def cube(x):
    return (x**3).sum()


def overlapping(count):
    torch.manual_seed(0)
    inputs = with_one(normal(count, 2))
    return inputs, torch.bernoulli(torch.sigmoid(inputs @ numbers(0.5, 1, -2)))


def test_all_three_slopes_are_the_derivative():
    x, direction = numbers(1, -2, 0.5), numbers(0, 1, 0)
    torch.testing.assert_close(gradient(cube, x), 3 * x**2)
    torch.testing.assert_close(finite_difference(cube, x), 3 * x**2, atol=1e-8, rtol=0)
    value, slope = along(cube, x, direction)
    torch.testing.assert_close(value, cube(x))
    torch.testing.assert_close(slope, numbers(12)[0])


def test_finite_differences_keep_the_shape_of_a_matrix():
    matrix = torch.arange(6, dtype=torch.float64).view(2, 3)
    torch.testing.assert_close(finite_difference(cube, matrix), 3 * matrix**2, atol=1e-7, rtol=0)


def test_logistic_regression_ends_where_the_gradient_is_zero_from_near_and_far():
    inputs, labels = overlapping(300)
    best = fit_logistic(inputs, labels)
    assert gradient(lambda w: logistic_loss(w, inputs, labels), best).norm() < 1e-9
    torch.testing.assert_close(fit_logistic(inputs, labels, start=numbers(10, -30, 20)), best)


def test_the_hessian_is_the_second_derivative_of_the_loss():
    inputs, labels = overlapping(50)
    w = numbers(0.1, -1, 2)
    second = torch.autograd.functional.hessian(lambda w: logistic_loss(w, inputs, labels), w)
    torch.testing.assert_close(logistic_hessian(w, inputs), second)


def test_classes_that_a_plane_separates_are_refused():
    inputs = with_one(torch.linspace(-1, 1, 20, dtype=torch.float64)[:, None])
    with pytest.raises(ValueError, match="a plane separates the classes"):
        fit_logistic(inputs, (inputs[:, 1] > 0).double())


def test_minimize_changes_the_parameters_in_place_and_returns_the_loss():
    x = numbers(5, -5).requires_grad_()
    end = minimize(lambda: ((x - numbers(1, 2)) ** 2).sum() + 3, [x])
    assert end == pytest.approx(3)
    torch.testing.assert_close(x.detach(), numbers(1, 2))


def test_pieces_are_counted_between_kinks():
    x = torch.linspace(0, 1, 65, dtype=torch.float64)
    assert count_pieces(x, 3 * x - 1) == 1
    assert count_pieces(x, tent(x)) == 2
    assert count_pieces(x, tent(tent(x))) == 4
    assert count_pieces(x, (x - 0.25).abs() + 1000 * x) == 2


def test_a_tent_goes_up_to_one_and_down_again():
    torch.testing.assert_close(tent(numbers(0, 0.25, 0.5, 0.75, 1)), numbers(0, 0.5, 1, 0.5, 0))


def test_output_weights_fit_best_and_are_the_shortest_of_those_that_do():
    torch.manual_seed(0)
    tall, wide, targets = normal(20, 3), normal(4, 9), normal(20)
    fitted = fit_output_weights(tall, targets)
    torch.testing.assert_close(tall.T @ (tall @ fitted - targets), torch.zeros(3).double(), atol=1e-9, rtol=0)
    shortest = torch.linalg.pinv(wide) @ targets[:4]
    torch.testing.assert_close(fit_output_weights(wide, targets[:4]), shortest)
    assert fit_output_weights(tall, normal(20, 2)).shape == (3, 2)


def test_steep_sigmoids_are_a_constant_and_one_unit_for_each_center():
    h = steep_sigmoids(numbers(0, 0.5, 1), width=3)
    assert h.shape == (3, 4)
    torch.testing.assert_close(h[:, 0], torch.ones(3).double())
    torch.testing.assert_close(h[:, 1:].diagonal(), numbers(0.5, 0.5, 0.5))  # each is at its own center
