"""Methods that divide an option prior out of p_f: they can change predictions, and they search no temperature."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from .. import drift
from ..traces import Traces
from .base import Calibrator, unfitted
from .search import Optimum


def log_option_prior(traces: Traces) -> np.ndarray:
    """Return log of the mean of K(x) p_f(option | x) over the rows that have the option, (K,); -inf if none has it.

    Where every row has K options this is the mean probability times K; the factor lets rows with fewer options count
    alike. Taken in log-space, so that a prior never underflows to 0.

    Examples
    --------
    >>> from dualalign.traces.imports import from_arrays
    >>> traces = from_arrays(np.zeros((2, 1, 2)), np.log([[[0.8, 0.2]], [[0.6, 0.4]]]))
    >>> np.exp(da.calibrators.priors.log_option_prior(traces)).round(3).tolist()  # twice the means, 0.7 and 0.3
    [1.4, 0.6]
    """
    return log_mean_lift(drift.log_softmax_options(traces.polm_final))


def log_mean_lift(log_p: np.ndarray) -> np.ndarray:
    """Return log of the mean of K(x) p(option | x) over the rows that have the option, (K,), of log p (N, K).

    Examples
    --------
    >>> log_p = np.log([[0.8, 0.2], [0.6, 0.4]])
    >>> np.exp(da.calibrators.priors.log_mean_lift(log_p)).round(3).tolist()
    [1.4, 0.6]
    """
    real = np.isfinite(log_p)
    log_lift = log_p + np.log(real.sum(axis=1))[:, None]
    rows = real.sum(axis=0)
    seen = rows > 0
    prior = np.full(len(rows), -np.inf)
    prior[seen] = np.logaddexp.reduce(log_lift[:, seen], axis=0) - np.log(rows[seen])
    return prior


class PriorCalibrator(Calibrator):
    """`log_prior_` (K,) is the logarithm of what is divided out, up to a factor.

    An option that the prior never saw (a fifth one, where the fit had four) is left as it is.

    Examples
    --------
    >>> from dualalign.traces.imports import from_arrays
    >>> calibrator = da.calibrators.priors.PriorCalibrator()
    >>> calibrator.log_prior_ = np.log([0.75, 0.25])
    >>> calibrator.predict_proba(from_arrays(np.zeros((1, 1, 2)), np.log([[[0.75, 0.25]]]))).round(3).tolist()
    [[0.5, 0.5]]
    """

    log_prior_: np.ndarray
    has_temperature: ClassVar[bool] = False

    def predict_proba(self, traces: Traces) -> np.ndarray:
        """Return p_f / prior, normalised over the real options, float64 (N, K)."""
        fitted, divided = self._fitted("log_prior_"), np.zeros(traces.mask.shape[1])
        shared = min(len(fitted), len(divided))
        divided[:shared] = np.where(np.isfinite(fitted[:shared]), fitted[:shared], 0.0)
        return np.exp(drift.log_softmax_options(traces.polm_final - divided))

    def prediction(self, traces: Traces) -> np.ndarray:
        """Return the most probable option once the prior is divided out, int (N,)."""
        return self.predict_proba(traces).argmax(axis=1)


@dataclass(eq=False)
class BatchCalibration(PriorCalibrator):
    """The prior is the mean of p_f over the questions fitted on (batch calibration, arXiv:2309.17249).

    Examples
    --------
    >>> from dualalign.traces.imports import from_arrays
    >>> traces = from_arrays(np.zeros((2, 1, 2)), np.log([[[0.8, 0.2]], [[0.6, 0.4]]]))
    >>> da.BatchCalibration().fit(traces).predict_proba(traces).round(3).tolist()  # 8/7 to 2/3, and 6/7 to 4/3
    [[0.632, 0.368], [0.391, 0.609]]
    """

    name: ClassVar[str] = "batch"

    def _fit(self, traces: Traces) -> tuple[Optimum, int]:
        self.log_prior_ = log_option_prior(traces)
        return unfitted("divides out the mean probability of each option; no temperature is fitted"), len(traces)


@dataclass(eq=False)
class ContextualCalibration(PriorCalibrator):
    """The prior is the mean of p_f over content-free questions ("N/A", say) (contextual calibration, arXiv:2102.09690).

    Parameters
    ----------
    content_free : Traces of the same pair on questions without content, at least one

    Examples
    --------
    >>> from dualalign.traces.imports import from_arrays
    >>> traces = from_arrays(np.zeros((1, 1, 2)), np.log([[[0.75, 0.25]]]))
    >>> calibrator = da.ContextualCalibration(content_free=traces).fit(traces)  # as it answers without a question
    >>> calibrator.predict_proba(traces).round(3).tolist()
    [[0.5, 0.5]]
    """

    content_free: Traces | None = None
    name: ClassVar[str] = "contextual"
    needs: ClassVar[str] = "content_free"
    least: ClassVar[int] = 1

    def _fit(self, traces: Traces) -> tuple[Optimum, int]:
        if not isinstance(self.content_free, Traces) or len(self.content_free) == 0:
            raise ValueError("content_free holds no traces; contextual needs traces of content-free questions")
        self.log_prior_ = log_option_prior(self.content_free)
        reason = "divides out the probability of each option without content; no temperature is fitted"
        return unfitted(reason), len(self.content_free)
