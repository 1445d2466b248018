"""Exercises of lesson 3, first half: questions kept apart, the bootstrap, paired differences."""

from __future__ import annotations

import numpy as np

from dualalign import metrics
from dualalign.course.answers import Number, Numbers
from dualalign.course.exercise import Exercise, Given, Wrong


def give_leak(rng: np.random.Generator) -> dict:
    """Draw 40 rows of about 24 questions, some asked in several wordings, and a split by row."""
    ids = np.array([f"q{n:02d}" for n in np.concatenate([np.arange(24), rng.choice(24, 16)])])
    return {"question_ids": rng.permutation(ids), "fit_rows": np.sort(rng.choice(40, 14, replace=False))}


def _sides(given: Given) -> tuple[np.ndarray, np.ndarray]:
    fit = np.isin(np.arange(len(given.question_ids)), given.fit_rows)
    return given.question_ids[fit], given.question_ids[~fit]


def leak(given: Given) -> int:
    """Return how many test questions are in the fit, too."""
    fit, test = _sides(given)
    return int(np.isin(test, fit).sum())


def _leak_by_loop(given: Given) -> str:
    seen = {given.question_ids[i] for i in given.fit_rows}
    return str(sum(q in seen for i, q in enumerate(given.question_ids) if i not in set(given.fit_rows.tolist())))


def _leak_by_counts(given: Given) -> float:
    import pandas as pd

    fit, test = _sides(given)
    asked = pd.Series(test).value_counts()
    return float(asked[asked.index.isin(fit)].sum())


def give_bootstrap(rng: np.random.Generator) -> dict:
    """120 answers, and the rows of a thousand resamples."""
    confidence = rng.uniform(0.4, 1.0, 120).round(3)
    correct = rng.random(120) < confidence - rng.uniform(0.1, 0.2)
    return {"confidence": confidence, "correct": correct, "resamples": rng.integers(0, 120, (1000, 120))}


def resampled(given: Given) -> np.ndarray:
    """Return the ECE of every resample."""
    return metrics.ece.rows(given.confidence[given.resamples], given.correct[given.resamples].astype(float))


def _measured(given: Given) -> float:
    return metrics.ece(given.confidence, given.correct)


def bootstrap(given: Given) -> np.ndarray:
    """Return the ends of the basic bootstrap interval of the gap, (2,)."""
    low, high = np.quantile(resampled(given), [0.025, 0.975])
    return np.array([2 * _measured(given) - high, 2 * _measured(given) - low])


def _by_deviations(given: Given) -> tuple[float, float]:
    deviations = np.sort(resampled(given) - _measured(given))
    return _measured(given) - deviations[974], _measured(given) - deviations[25]


def _by_shift(given: Given) -> list[float]:
    mirrored = [2 * _measured(given) - value for value in resampled(given).tolist()]
    return [round(float(np.percentile(mirrored, q)), 3) for q in (2.5, 97.5)]


def give_paired(rng: np.random.Generator) -> dict:
    """Draw Brier scores of two methods on the same 150 questions: hard questions are hard for both."""
    hardness = rng.beta(0.8, 1.6, 150)
    first = np.clip(hardness + rng.normal(0, 0.04, 150), 0, 1)
    second = np.clip(hardness + rng.normal(0.012, 0.07, 150), 0, 1)
    return {"first": first.round(4), "second": second.round(4)}


def paired(given: Given) -> float:
    """Return the standard error of the mean paired difference."""
    return float((given.first - given.second).std(ddof=1) / np.sqrt(len(given.first)))


def _by_covariance(given: Given) -> float:
    cov = np.cov(given.first, given.second)
    return float(np.sqrt((cov[0, 0] + cov[1, 1] - 2 * cov[0, 1]) / len(given.first)))


def _by_resampling(given: Given) -> float:
    rows = np.random.default_rng(0).integers(0, len(given.first), (4000, len(given.first)))
    return float((given.first - given.second)[rows].mean(axis=1).std())


def _errors(given: Given) -> np.ndarray:
    return np.array([a.std(ddof=1) for a in (given.first, given.second)]) / np.sqrt(len(given.first))


def give_enough(rng: np.random.Generator) -> dict:
    """A difference, and the spreads of paired differences and of scores."""
    return {
        "difference": round(rng.uniform(0.005, 0.015), 3),
        "spread_of_differences": round(rng.uniform(0.08, 0.14), 3),
        "spread_of_scores": round(rng.uniform(0.2, 0.28), 3),
    }


def enough(given: Given) -> float:
    """Return how many paired questions show the difference at 95 %."""
    return (1.96 * given.spread_of_differences / given.difference) ** 2


EXERCISES = [
    Exercise(
        name="l3-leak",
        title="The same question on both sides",
        give=give_leak,
        solve=leak,
        compare=Number(decimals=0),
        right=(_leak_by_loop, _leak_by_counts, lambda g: np.array([leak(g)])),
        wrong=(
            Wrong(
                "counts questions, not rows",
                lambda g: len(set(_sides(g)[0]) & set(_sides(g)[1])),
                "You counted the questions that are on both sides. Asked are rows of the test side: a question may "
                "fill several of them.",
            ),
            Wrong(
                "counts on the fitting side",
                lambda g: int(np.isin(*_sides(g)).sum()),
                "You counted rows of the fitting side. Which rows would give too good a judgement?",
            ),
            Wrong(
                "rows apart, so nothing is shared",
                lambda g: 0,
                "No row is on both sides, true. But two rows may be the same question in other words.",
            ),
            Wrong(
                "every question that is asked twice",
                lambda g: int(sum((g.question_ids == q).sum() > 1 for q in _sides(g)[1])),
                "You counted test rows whose question is asked more than once anywhere. It does no harm where all its "
                "rows are on the test side.",
            ),
        ),
        minutes=6,
        level=1,
    ),
    Exercise(
        name="l3-bootstrap",
        title="An interval for an error",
        give=give_bootstrap,
        solve=bootstrap,
        compare=Numbers(decimals=2),
        right=(_by_deviations, _by_shift, lambda g: bootstrap(g)[None]),
        wrong=(
            Wrong(
                "percentiles of the resamples",
                lambda g: np.quantile(resampled(g), [0.025, 0.975]),
                "These are the percentiles of the resamples. A resample adds noise once more, so its ECE is too large "
                "on average: mirror the percentiles at the measured value.",
            ),
            Wrong(
                "ends exchanged",
                lambda g: bootstrap(g)[::-1],
                "Your lower end is above your upper one. The largest resamples, mirrored, make the lower end.",
            ),
            Wrong(
                "one standard deviation to each side",
                lambda g: _measured(g) + np.array([-1, 1]) * resampled(g).std(),
                "You went one standard deviation to each side of the measured value: that is no 95 % interval, and it "
                "leaves the extra noise in.",
            ),
            Wrong(
                "two standard deviations to each side",
                lambda g: _measured(g) + np.array([-1.96, 1.96]) * resampled(g).std(),
                "You centred the interval at the measured value. The resamples are not centred there: how far is "
                "their mean from it, and in which direction must the interval move?",
            ),
        ),
        minutes=10,
    ),
    Exercise(
        name="l3-paired",
        title="How uncertain is the difference?",
        give=give_paired,
        solve=paired,
        compare=Number(decimals=3),
        right=(_by_covariance, _by_resampling, lambda g: f"{paired(g):.4f}"),
        wrong=(
            Wrong(
                "two separate errors, squared and added",
                lambda g: float(np.sqrt((_errors(g) ** 2).sum())),
                "You combined the errors of the two means as if they came from different questions. Both methods "
                "answered the same ones: look at the difference question by question.",
            ),
            Wrong(
                "two separate errors added",
                lambda g: float(_errors(g).sum()),
                "You added the two errors: that is what comparing the ends of two intervals amounts to. Work with one "
                "list, the differences.",
            ),
            Wrong(
                "spread of the differences, not of their mean",
                lambda g: float((g.first - g.second).std(ddof=1)),
                "This is how much single differences vary. Their mean over all questions varies less.",
            ),
            Wrong(
                "difference of the two errors",
                lambda g: float(_errors(g)[0] - _errors(g)[1]),
                "You subtracted one uncertainty from the other. Uncertainties do not cancel like that; the noise that "
                "both methods share does.",
            ),
        ),
        minutes=8,
    ),
    Exercise(
        name="l3-enough",
        title="How many questions settle it?",
        give=give_enough,
        solve=enough,
        compare=Number(decimals=-1),
        right=(
            lambda g: round(1.96**2 * g.spread_of_differences**2 / g.difference**2),
            lambda g: str(round(enough(g), -1)),
            lambda g: next(n for n in range(1, 10**5) if 1.96 * g.spread_of_differences / n**0.5 <= g.difference),
        ),
        wrong=(
            Wrong(
                "spread of the scores",
                lambda g: (1.96 * g.spread_of_scores / g.difference) ** 2,
                "You used the spread of single scores. What matters for a paired comparison is how much the "
                "differences vary.",
            ),
            Wrong(
                "two independent groups",
                lambda g: 2 * (1.96 * g.spread_of_scores / g.difference) ** 2,
                "This is for two methods that were judged on different questions. Here both answer the same ones.",
            ),
            Wrong(
                "forgets the square",
                lambda g: 1.96 * g.spread_of_differences / g.difference,
                "The standard error falls with the root of the number of questions. Solve for the number: something "
                "must be squared.",
            ),
            Wrong(
                "squares one factor only",
                lambda g: 1.96 * (g.spread_of_differences / g.difference) ** 2,
                "You squared the spread and the difference only. Write down that 1.96 standard errors are the "
                "difference, then solve for the number.",
            ),
            Wrong(
                "one standard error",
                lambda g: (g.spread_of_differences / g.difference) ** 2,
                "You made the difference as large as one standard error. A 95 % interval reaches 1.96 of them to each "
                "side.",
            ),
        ),
        minutes=5,
    ),
]
