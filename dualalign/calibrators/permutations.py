"""Methods that show a model its options in several orders: PriDe divides the places' prior out, CAPE averages it away.

A permuted trace holds several rows of each question, with the same question id; `order[row, place]` is the original
index of the option shown at that place. A question's rows need not stand together.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from .. import drift
from ..traces import Traces
from .base import Calibrator, unfitted
from .priors import PriorCalibrator, log_mean_lift
from .search import Optimum


@dataclass(eq=False)
class PriDe(PriorCalibrator):
    """The prior of the places (letters, say), from a few questions asked in several orders (arXiv:2309.03882).

    A question's prior is softmax over the places of the mean over its rows of log p_f(place): where each option stands
    at each place equally often, what the options say cancels. `log_prior_` is the logarithm of the mean of these
    priors, up to a factor. Predictions are p_f / prior, columns of any trace being places. The paper asks in all orders
    or in the K rotations, and gives those few questions the mean over their orders (as `CAPE` does); here they get
    p_f / prior like all others.

    Parameters
    ----------
    permuted : Traces of the same pair with `order`, at least one question; each option at each place equally often

    Examples
    --------
    >>> from dataclasses import replace
    >>> from dualalign.traces.imports import from_arrays
    >>> asked = from_arrays(np.zeros((2, 1, 2)), np.log([[[0.8, 0.2]]] * 2), question_ids=["q", "q"])
    >>> asked = replace(asked, order=np.array([[0, 1], [1, 0]]))  # asked in both orders, and fond of the first place
    >>> da.PriDe(permuted=asked).fit(asked).predict_proba(asked).round(3).tolist()
    [[0.5, 0.5], [0.5, 0.5]]
    """

    permuted: Traces | None = None
    name: ClassVar[str] = "pride"
    needs: ClassVar[str] = "permuted"
    least: ClassVar[int] = 1

    def _fit(self, traces: Traces) -> tuple[Optimum, int]:
        if not isinstance(self.permuted, Traces) or len(self.permuted) == 0:
            raise ValueError("permuted holds no traces; pride needs traces of questions asked in several orders")
        log_prior = log_place_priors(self.permuted)
        self.log_prior_ = log_mean_lift(log_prior)
        return unfitted("divides out the prior of each place; no temperature is fitted"), len(log_prior)


@dataclass(eq=False)
class CAPE(Calibrator):
    """The mean of p_f over the orders in which a question is asked: the option-permutation half of CAPE [1].

    Nothing is fitted, and the other orders are needed where other methods need one row: `predict_proba`, `confidence`
    and `prediction` take a permuted trace and return **a row a question**, not a row of the trace, in the order in
    which question ids first appear and with the options in their original order. `average_permutations(traces)` has
    the labels to judge them by, and is a trace that any other method can be fitted on. A question asked once keeps p_f.

    [1] Jiang et al., Calibrating Language Models via Augmented Prompt Ensembles, openreview L0dc4wqbNs, 2023.

    Examples
    --------
    >>> from dataclasses import replace
    >>> from dualalign.traces.imports import from_arrays
    >>> asked = from_arrays(np.zeros((2, 1, 2)), np.log([[[0.8, 0.2]]] * 2), question_ids=["q", "q"])
    >>> asked = replace(asked, order=np.array([[0, 1], [1, 0]]))  # asked in both orders, and fond of the first place
    >>> da.CAPE().fit(asked).predict_proba(asked).round(3).tolist()  # a row a question
    [[0.5, 0.5]]
    """

    name: ClassVar[str] = "cape"
    needs: ClassVar[str] = "permuted"
    has_temperature: ClassVar[bool] = False
    least: ClassVar[int] = 1

    def _fit(self, traces: Traces) -> tuple[Optimum, int]:
        return unfitted("nothing is fitted: averages a question's probabilities over the orders of its options"), 0

    def predict_proba(self, traces: Traces) -> np.ndarray:
        """Return the mean probabilities of each question's original options, float64 (questions, K), 0 where padded."""
        self._fitted("temperature_")
        return np.exp(_mean_log_p(_Questions(traces), traces.polm_final))

    def prediction(self, traces: Traces) -> np.ndarray:
        """Return the original index of the most probable option of each question, int (questions,)."""
        return self.predict_proba(traces).argmax(axis=1)


def average_permutations(traces: Traces) -> Traces:
    """Return a trace of one row a question, whose logits are the log of the mean probability over its rows.

    Options are put back into their original order first, at every layer of both models; question ids stand in the order
    in which they first appear. Any calibrator can be fitted on it, and vanilla on it is `CAPE`, to float32.

    Raises
    ------
    ValueError
        Where the trace has no `order`, or rows of one question differ in their number of options, label or group.

    Examples
    --------
    >>> from dataclasses import replace
    >>> from dualalign.traces.imports import from_arrays
    >>> asked = from_arrays(np.zeros((2, 1, 2)), np.log([[[0.8, 0.2]]] * 2), question_ids=["q", "q"])
    >>> asked = replace(asked, order=np.array([[0, 1], [1, 0]]))  # asked in both orders, and fond of the first place
    >>> once = da.calibrators.average_permutations(asked)
    >>> once.question_ids, np.exp(once.polm_final).round(3).tolist()
    (('q',), [[0.5, 0.5]])
    """
    questions = _Questions(traces)
    return Traces(
        plm_logits=_mean_log_p(questions, traces.plm_logits).astype(np.float32),
        polm_logits=_mean_log_p(questions, traces.polm_logits).astype(np.float32),
        labels=questions.labels,
        n_options=traces.n_options[questions.first],
        question_ids=tuple(traces.question_ids[i] for i in questions.first),
        groups=tuple(traces.groups[i] for i in questions.first) if traces.groups else (),
        metadata=traces.metadata | {"variant": "mean over option orders"},
    )


def log_place_priors(traces: Traces) -> np.ndarray:
    """Return each question's log prior of the places, (questions, K), -inf where padded (see `PriDe`).

    Raises
    ------
    ValueError
        Where the trace has no `order`, or an option of a question stands at one place more often than at another.

    Examples
    --------
    >>> from dataclasses import replace
    >>> from dualalign.traces.imports import from_arrays
    >>> asked = from_arrays(np.zeros((2, 1, 2)), np.log([[[0.8, 0.2]]] * 2), question_ids=["q", "q"])
    >>> asked = replace(asked, order=np.array([[0, 1], [1, 0]]))  # asked in both orders, and fond of the first place
    >>> np.exp(da.calibrators.permutations.log_place_priors(asked)).round(3).tolist()
    [[0.8, 0.2]]
    """
    questions = _Questions(traces)
    questions.require_balance()
    real = traces.mask[questions.first]
    log_p = np.where(traces.mask, drift.log_softmax_options(traces.polm_final), 0.0)
    mean = questions.sum(log_p) / questions.counts[:, None]
    return drift.log_softmax_options(np.where(real, mean, -np.inf))


class _Questions:
    """Which rows of a permuted trace belong to which question.

    Attributes
    ----------
    first : (questions,) the first row of each, ascending; counts : (questions,) its rows; labels : in original options
    """

    def __init__(self, traces: Traces) -> None:
        if traces.order is None:
            raise ValueError("traces has no order; give a trace of permuted options, which names each place's option")
        if len(traces) == 0:
            raise ValueError("traces holds no question; give at least one")
        self.traces = traces
        index = {question: i for i, question in enumerate(dict.fromkeys(traces.question_ids))}
        self.of = np.array([index[question] for question in traces.question_ids])  # (rows,) question of each row
        self.rows = np.argsort(self.of, kind="stable")
        self.counts = np.bincount(self.of)
        self.starts = np.cumsum(self.counts) - self.counts
        self.first = self.rows[self.starts]
        self.back = np.argsort(np.where(traces.mask, traces.order, traces.mask.shape[1]), axis=1, kind="stable")
        self._require_same("number of options", traces.n_options)
        self.labels = self._labels()
        if traces.groups:
            self._require_same("group", np.array(traces.groups))

    def sum(self, values: np.ndarray) -> np.ndarray:
        """Sum over the rows of each question, (rows, ...) -> (questions, ...)."""
        return np.add.reduceat(values[self.rows], self.starts, axis=0)

    def log_sum(self, log_values: np.ndarray) -> np.ndarray:
        """The same for values given as logarithms."""
        return np.logaddexp.reduceat(log_values[self.rows], self.starts, axis=0)

    def put_back(self, values: np.ndarray) -> np.ndarray:
        """Return values (rows, ..., K) of places as values of original options."""
        between = (slice(None), *(None,) * (values.ndim - 2))
        return np.take_along_axis(values, self.back[between], axis=-1)

    def require_balance(self) -> None:
        """Refuse a question one of whose options stands at one place more often than at another."""
        real = self.traces.mask
        rows, places = np.nonzero(real)
        seen = np.zeros((len(self.counts), real.shape[1], real.shape[1]), dtype=np.int64)
        np.add.at(seen, (self.of[rows], places, self.traces.order[rows, places]), 1)
        both = real[self.first][:, :, None] & real[self.first][:, None, :]
        share = seen * self.traces.n_options[self.first][:, None, None]
        uneven = np.flatnonzero((both & (share != self.counts[:, None, None])).any(axis=(1, 2)))
        if len(uneven):
            name = self.traces.question_ids[self.first[uneven[0]]]
            raise ValueError(f"order of question {name!r} is uneven; show each option at each place equally often")

    def _labels(self) -> np.ndarray:
        shown = self.traces.labels
        original = np.take_along_axis(self.traces.order, np.maximum(shown, 0)[:, None], axis=1)[:, 0]
        labels = np.where(shown >= 0, original, -1)
        self._require_same("label", labels)
        return labels[self.first]

    def _require_same(self, field: str, values: np.ndarray) -> None:
        differs = np.flatnonzero(values != values[self.first][self.of])
        if len(differs):
            name = self.traces.question_ids[differs[0]]
            raise ValueError(f"rows of question {name!r} differ in their {field}; give each question an id of its own")


def _mean_log_p(questions: _Questions, logits: np.ndarray) -> np.ndarray:
    """Return log of the mean probability of each original option, (questions, ..., K), of logits (rows, ..., K)."""
    log_p = questions.put_back(drift.log_softmax_options(logits))
    counts = questions.counts.reshape(-1, *(1,) * (logits.ndim - 1))
    return questions.log_sum(log_p) - np.log(counts)
