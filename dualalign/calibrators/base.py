"""What every calibrator shares: fit on traces, then probabilities, confidence and prediction for any traces."""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np

from .. import drift
from ..traces import Traces
from .search import Optimum


class Calibrator:
    """Base of all methods. A constructor stores its options; `fit` checks and uses them.

    Attributes
    ----------
    name : the method's name, as in `METHODS`
    needs : what it needs beside a plain trace, "" where nothing: "content_free" or "permuted" traces
    has_temperature : whether `temperature_` says all; False where it is 1 and something else was done
    temperature_ : T > 0 that divides the PoLM's final logits; `inf` where no finite optimum exists, see `reason_`
    objective_ : the objective at the optimum (nats; see each class), nan where the method has none
    reason_ : what there is to say about the result, "" where nothing
    n_fit_ : how many questions entered the fit

    Examples
    --------
    >>> from dualalign.traces.imports import from_arrays
    >>> traces = from_arrays(np.log([[[0.8, 0.2]]] * 2), np.log([[[0.64, 0.04]]] * 2))
    >>> calibrator = da.METHODS["daca"]().fit(traces)
    >>> round(calibrator.temperature_, 3), calibrator.predict_proba(traces)[0].round(3).tolist()
    (2.0, [0.8, 0.2])
    >>> calibrator.confidence(traces).round(3).tolist(), calibrator.prediction(traces).tolist()
    ([0.8, 0.8], [0, 0])
    """

    name: ClassVar[str]
    needs: ClassVar[str] = ""
    has_temperature: ClassVar[bool] = True
    least: ClassVar[int] = 2  # questions that a fit needs
    temperature_: float
    objective_: float
    reason_: str
    n_fit_: int

    def fit(self, traces: Traces) -> Calibrator:
        """Fit on traces and return self.

        Raises
        ------
        ValueError
            One line, for an unknown option value or traces that this method cannot be fitted on.
        """
        if not isinstance(traces, Traces):
            raise ValueError(f"traces is a {type(traces).__name__}; give Traces, a file's with Traces.load(path)")
        if len(traces) < self.least:
            found = "no question" if len(traces) == 0 else "1 question"
            raise ValueError(f"traces holds {found}; {self.name} needs at least {self.least}")
        optimum, self.n_fit_ = self._fit(traces)
        self.temperature_, self.objective_, self.reason_ = optimum.temperature, optimum.objective, optimum.reason
        return self

    def _fit(self, traces: Traces) -> tuple[Optimum, int]:
        raise NotImplementedError

    def predict_proba(self, traces: Traces) -> np.ndarray:
        """Return softmax(z_f^L / T), float64 (N, K), 0 where padded; T = inf is uniform over the real options."""
        return np.exp(drift.log_softmax_options(traces.polm_final, self._fitted("temperature_")))

    def confidence(self, traces: Traces) -> np.ndarray:
        """Return the probability of the prediction, (N,)."""
        return self.predict_proba(traces).max(axis=1)

    def prediction(self, traces: Traces) -> np.ndarray:
        """Return the predicted option, int (N,): the PoLM's own, the first one on ties. No temperature changes it."""
        return traces.polm_final.argmax(axis=1)

    def _fitted(self, attribute: str) -> float:
        if not hasattr(self, attribute):
            raise ValueError(f"{type(self).__name__} is not fitted; call fit(traces) first")
        return getattr(self, attribute)


def unfitted(reason: str) -> Optimum:
    """Return the result of a method that searches no temperature.

    Examples
    --------
    >>> da.calibrators.base.unfitted("nothing is fitted")
    Optimum(temperature=1.0, objective=nan, reason='nothing is fitted')
    """
    return Optimum(1.0, math.nan, reason)
