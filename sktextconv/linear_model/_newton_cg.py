"""Truncated Newton method for regularized logistic regression."""

import numpy as np
import scipy.sparse
from scipy.special import expit, log_expit

__all__ = ["Binary", "Multinomial", "minimize"]

# The conjugate gradients stop when they have reduced the preconditioned residual by
# this factor; more digits of a step are lost in the next one, whose Hessian differs.
_MAX_RESIDUAL = 0.3
_MAX_CG_STEPS = 30
# Rounding errors of float64 hide smaller changes of the objective.
_MIN_TOL = 1e-16
_EPSILON = float(np.finfo(np.float32).eps)
# The line search stops when it has reduced the slope by this factor.
_MAX_SLOPE = 0.1
_MAX_SEARCH_STEPS = 30


class Binary:
    """Logistic loss of two classes, as a function of one score per sample."""

    n_outputs = 1

    def __init__(self, y_encoded, weights):
        self._signs = np.where(y_encoded == 1, 1.0, -1.0)[:, np.newaxis]
        self._weights = weights[:, np.newaxis]

    def evaluate(self, scores):
        """Return the weighted sum of the losses and the probabilities."""
        losses = log_expit(self._signs * scores)
        return -float(np.vdot(self._weights, losses)), expit(scores)

    def gradient(self, probabilities):
        """Return the derivatives by the scores."""
        return self._weights * (probabilities - (self._signs > 0))

    def curvature(self, probabilities):
        """Return the second derivatives by the scores."""
        return self._weights * probabilities * (1 - probabilities)

    def make_hessian(self, probabilities, dtype):
        """Return a function that multiplies by the Hessian by the scores."""
        curvature = self.curvature(probabilities).astype(dtype)
        return lambda scores: curvature * scores


class Multinomial:
    """Cross-entropy of the softmax of one score per class."""

    def __init__(self, y_encoded, weights, n_classes):
        self.n_outputs = n_classes
        self._y_encoded = y_encoded
        self._rows = np.arange(len(y_encoded))
        self._weights = weights[:, np.newaxis]

    def evaluate(self, scores):
        """Return the weighted sum of the losses and the probabilities."""
        shifted = scores - scores.max(axis=1, keepdims=True)
        chosen = shifted[self._rows, self._y_encoded]
        probabilities = np.exp(shifted, out=shifted)
        sums = probabilities.sum(axis=1, keepdims=True)
        probabilities /= sums
        losses = np.log(sums[:, 0]) - chosen
        return float(self._weights[:, 0] @ losses), probabilities

    def gradient(self, probabilities):
        """Return the derivatives by the scores."""
        gradient = probabilities.copy()
        gradient[self._rows, self._y_encoded] -= 1
        gradient *= self._weights
        return gradient

    def curvature(self, probabilities):
        """Return the diagonal of the Hessian by the scores."""
        return self._weights * probabilities * (1 - probabilities)

    def make_hessian(self, probabilities, dtype):
        """Return a function that multiplies by the Hessian by the scores."""
        weighted = (self._weights * probabilities).astype(dtype)
        probabilities = probabilities.astype(dtype)

        def multiply(scores):
            # Relative to the score of the right class, whose probability may round to
            # 1, float32 has enough digits.
            chosen = scores[self._rows, self._y_encoded]
            scores = scores - chosen[:, np.newaxis]
            scores -= np.einsum("ij,ij->i", probabilities, scores)[:, np.newaxis]
            scores *= weighted
            return scores

        return multiply


def minimize(X, loss, *, penalty, tol, max_iter, fit_intercept, start):
    """Minimize ``loss(X @ weights + intercept) + penalty / 2 * ||weights||**2``.

    Parameters
    ----------
    X : {ndarray, csr_matrix} of shape (n_samples, n_features)
    loss : Binary or Multinomial
    penalty : float
    tol : float
        The method stops after a step that was to lower the objective by less than
        `tol` times its value, by the quadratic model of the objective.
    max_iter : int
        Largest number of steps.
    fit_intercept : bool
    start : ndarray of shape (n_outputs,)
        First intercept.

    Returns
    -------
    weights : ndarray of float64 of shape (n_features, n_outputs)
    intercept : ndarray of float64 of shape (n_outputs,)
    n_iter : int
    converged : bool

    Notes
    -----
    Objective, gradient and scores are exact to float64. Only the steps are computed in
    float32, so that their errors do not add up.
    """
    design = _Design(X, penalty, fit_intercept)
    weights = np.zeros((X.shape[1], loss.n_outputs))
    intercept = start.copy()
    scores = np.repeat(intercept[np.newaxis], X.shape[0], axis=0)
    data_loss, probabilities = loss.evaluate(scores)
    objective = data_loss
    for n_iter in range(1, max_iter + 1):
        residuals = loss.gradient(probabilities)
        gradient = np.asarray(design.X.T @ residuals)
        gradient += penalty * weights
        gradient_of_intercept = residuals.sum(axis=0) * fit_intercept
        step, step_of_intercept = design.solve(
            gradient, gradient_of_intercept, loss, probabilities, objective
        )
        slope = _dot(gradient, step) + _dot(gradient_of_intercept, step_of_intercept)
        if not slope < 0:
            return weights, intercept, n_iter, True
        step_of_scores = design.X @ step
        step_of_scores += step_of_intercept
        length = _search(
            loss,
            scores,
            step_of_scores,
            (
                penalty * float(np.vdot(weights, weights)) / 2,
                penalty * float(np.vdot(weights, step)),
                penalty * float(np.vdot(step, step)),
            ),
            objective,
            slope,
        )
        weights += length * step
        intercept += length * step_of_intercept
        scores += length * step_of_scores
        data_loss, probabilities = loss.evaluate(scores)
        objective = data_loss + penalty * float(np.vdot(weights, weights)) / 2
        if -slope / 2 <= max(tol, _MIN_TOL) * objective:
            return weights, intercept, n_iter, True
    return weights, intercept, max_iter, False


def _search(loss, scores, step, penalty, objective, slope):
    """Return the length of a step that minimizes the objective along it.

    The method of Newton finds the zero of the slope, which never decreases with the
    length. `penalty` holds the value, slope and curvature of the penalty.
    """
    value, first, second = penalty
    low, high, length = 0.0, np.inf, 1.0
    limit = objective + 1e-12 * abs(objective)
    for _ in range(_MAX_SEARCH_STEPS):
        data_loss, probabilities = loss.evaluate(scores + length * step)
        reached = data_loss + value + length * first + length * length * second / 2
        slope_here = float(np.vdot(loss.gradient(probabilities), step))
        slope_here += first + length * second
        if abs(slope_here) <= _MAX_SLOPE * abs(slope) and reached <= limit:
            break
        if slope_here > 0 or reached > limit:
            high = length
        else:
            low = length
        hessian = loss.make_hessian(probabilities, np.float64)
        curvature = float(np.vdot(hessian(step), step)) + second
        new = length - slope_here / curvature if curvature > 0 else high
        if new >= high:
            new = (low + high) / 2
        elif new <= low:
            new = (low + high) / 2 if high < np.inf else 2 * length
        length = min(new, 4 * length)
    return length


class _Design:
    """Features, as they are and in float32, divided by their largest value.

    The division prevents overflow and underflow. With more features than samples,
    sparse matrices are stored by columns, otherwise by rows: products read the longer
    side in order, and the shorter one stays in the cache.
    """

    def __init__(self, X, penalty, fit_intercept):
        self._fit_intercept = fit_intercept
        self._is_sparse = scipy.sparse.issparse(X)
        if self._is_sparse and X.shape[0] < X.shape[1]:
            X = X.tocsc()
        self.X = X
        data = X.data if self._is_sparse else X
        largest = max(data.max(initial=0.0), -data.min(initial=0.0))
        self._scale = float(largest) or 1.0
        data = (data / data.dtype.type(self._scale)).astype(np.float32, copy=False)
        self._X = self._with(data)
        # Limited, so that products with it stay finite; the line search corrects steps.
        self._penalty = np.float32(min(penalty / self._scale**2, 1e30))

    def _with(self, data):
        """Return a matrix of other values, which shares the index arrays of `X`."""
        if not self._is_sparse:
            return data
        X = self.X
        return type(X)((data, X.indices, X.indptr), shape=X.shape)

    def solve(self, gradient, gradient_of_intercept, loss, probabilities, objective):
        """Return an approximate Newton step, by preconditioned conjugate gradients.

        The steps of the weights and of the intercept are float64.
        """
        hessian = loss.make_hessian(probabilities, np.float32)
        curvature = loss.curvature(probabilities).astype(np.float32)
        # The first row of these arrays is that of the intercept.
        diagonal = np.empty((len(gradient) + 1, loss.n_outputs), dtype=np.float32)
        diagonal[0] = curvature.sum(axis=0)
        data = self._X.data if self._is_sparse else self._X
        diagonal[1:] = self._with(np.square(data)).T @ curvature
        diagonal[1:] += self._penalty
        np.maximum(diagonal, np.finfo(np.float32).tiny, out=diagonal)
        residual = np.empty_like(diagonal)
        residual[0] = -gradient_of_intercept
        np.divide(gradient, -self._scale, out=residual[1:], casting="same_kind")
        size = float(np.abs(residual).max(initial=0.0)) or 1.0
        residual /= np.float32(size)
        step = _conjugate_gradients(
            lambda direction: self._multiply(hessian, direction),
            residual,
            diagonal,
            objective / size**2,
        )
        weights = step[1:].astype(np.float64)
        weights *= size / self._scale
        return weights, step[0].astype(np.float64) * size

    def _multiply(self, hessian, direction):
        """Return the product of the Hessian of the objective with `direction`."""
        scores = self._X @ direction[1:]
        if self._fit_intercept:
            scores += direction[0]
        scores = hessian(scores)
        image = np.zeros_like(direction)
        if self._fit_intercept:
            image[0] = scores.sum(axis=0)
        image[1:] = self._X.T @ scores
        image[1:] += self._penalty * direction[1:]
        return image


def _conjugate_gradients(multiply, residual, diagonal, objective):
    """Solve ``multiply(step) = residual`` roughly; overwrite `residual`.

    A quadratic model that promises an objective below 0 is wrong, so that more digits
    of its minimum are of no use.
    """
    decrease = 0.0
    step = np.zeros_like(residual)
    preconditioned = residual / diagonal
    direction = preconditioned.copy()
    product = _dot(residual, preconditioned)
    goal = product * _MAX_RESIDUAL**2
    size = product  # of the direction, squared and weighted by the diagonal
    for _ in range(_MAX_CG_STEPS):
        if not product > 0:
            break
        image = multiply(direction)
        curvature = _dot(direction, image)
        # Rounding errors alone give scores that differ by a constant some curvature.
        if not _EPSILON * size < curvature < np.inf:
            break
        length = np.float32(product / curvature)
        step += length * direction
        image *= length
        residual -= image
        np.divide(residual, diagonal, out=preconditioned)
        before, product = product, _dot(residual, preconditioned)
        decrease += float(length) * before / 2
        if product <= goal or decrease > objective:
            break
        size = product + (product / before) ** 2 * size
        direction *= np.float32(product / before)
        direction += preconditioned
    return step


def _dot(a, b):
    return float(np.vdot(a, b))
