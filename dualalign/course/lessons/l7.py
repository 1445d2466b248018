"""Exercises of lesson 7, The premise: what a method inherits from a PLM that is wrong."""

from __future__ import annotations

import numpy as np

from dualalign.course.answers import Number
from dualalign.course.exercise import Exercise, Given, Wrong
from dualalign.course.maths import aligned, softmax

# -- The inherited share -----------------------------------------------------------------------------------------------

SCALES = np.array([0.5, 0.71, 1.0, 1.41, 2.0])


def give_dial(rng: np.random.Generator) -> dict:
    """Confidences of PLM and method at five settings of the dial, and both accuracies."""
    share, accuracy = rng.uniform(0.3, 0.9), rng.uniform(0.4, 0.6, 2)
    plm = accuracy[0] + np.cumsum(np.r_[rng.uniform(-0.12, -0.05), rng.uniform(0.04, 0.1, 4)])
    method = accuracy[1] + rng.uniform(-0.08, 0.02) + share * (plm - plm[2]) + rng.normal(0, 0.004, 5)
    shown = {"plm_confidence": plm, "method_confidence": method}
    rates = dict(zip(("plm_accuracy", "polm_accuracy"), (round(float(a), 3) for a in accuracy), strict=True))
    return {"scales": SCALES, **{name: np.round(values, 3) for name, values in shown.items()}, **rates}


def share(given: Given) -> float:
    """Return the share of the PLM's change that the method follows."""
    method, plm = given.method_confidence, given.plm_confidence
    return float((method[-1] - method[0]) / (plm[-1] - plm[0]))


def _by_gaps(given: Given) -> float:
    method, plm = given.method_confidence - given.polm_accuracy, given.plm_confidence - given.plm_accuracy
    return float(np.ptp(method[[0, -1]]) / np.ptp(plm[[0, -1]]))


SHARE = Exercise(
    name="inherited-share",
    title="What is inherited",
    give=give_dial,
    solve=share,
    compare=Number(decimals=3),
    right=(_by_gaps, lambda g: f"{100 * share(g):.1f} %", lambda g: np.array([share(g)])),
    wrong=(
        Wrong(
            "the gap that is left, over the PLM's",
            lambda g: float((g.method_confidence[-1] - g.polm_accuracy) / (g.plm_confidence[-1] - g.plm_accuracy)),
            "You compared two gaps at one setting of the dial. A share says how much of a change is followed.",
        ),
        Wrong(
            "the other way round",
            lambda g: 1 / share(g),
            "You divided the PLM's rise by the method's. Who follows whom?",
        ),
        Wrong(
            "a ratio of confidences",
            lambda g: float(g.method_confidence[-1] / g.plm_confidence[-1]),
            "You compared how sure the two are at the end. By that a method which ignores the dial has a share.",
        ),
        Wrong(
            "from one to double only",
            lambda g: float(np.diff(g.method_confidence)[2:].sum() / np.diff(g.plm_confidence)[2:].sum()),
            "You started at a scale of one. The share is taken from half to double.",
        ),
        Wrong(
            "a line through all five settings",
            lambda g: float(np.polyfit(g.plm_confidence, g.method_confidence, 1)[0]),
            "You fitted a line to all five settings. The share takes the two ends alone.",
        ),
    ),
    minutes=5,
)


# -- Who follows the dial ----------------------------------------------------------------------------------------------


def give_followers(rng: np.random.Generator) -> dict:
    """Six questions: both models' logits, the PoLM's about twice as sharp."""
    plm = rng.normal(0, 1.2, (6, 3))
    polm = 2 * (plm + 0.8 * rng.normal(0, 1.0, (6, 3)))
    return {"plm_logits": np.round(plm, 1), "polm_logits": np.round(polm, 1)}


def _covariance(belief: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return (belief * a * b).sum(axis=1) - (belief * a).sum(axis=1) * (belief * b).sum(axis=1)


def _parts(given: Given) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Covariances under the PLM, variances under the aligned PoLM, and under the PLM, a question each."""
    z_g, z_f = given.plm_logits, given.polm_logits
    p, q = softmax(z_g), softmax(z_f, aligned(z_f, softmax(z_g)))
    return _covariance(p, z_g, z_f), _covariance(q, z_f, z_f), _covariance(p, z_f, z_f)


def follow(given: Given) -> float:
    """Return the slope of the aligned 1 / T over the factor of the PLM's logits, at the factor 1."""
    covariance, variance, _ = _parts(given)
    return float(covariance.sum() / variance.sum())


def _by_difference(given: Given, h: float = 1e-3) -> float:
    low, high = (1 / aligned(given.polm_logits, softmax(given.plm_logits * s)) for s in (1 - h, 1 + h))
    return (high - low) / (2 * h)


def _agreeing(given: Given) -> float:
    covariance, variance, _ = _parts(given)
    same = given.plm_logits.argmax(axis=1) == given.polm_logits.argmax(axis=1)
    return float(covariance[same].sum() / variance[same].sum()) if same.any() else 0.0


FOLLOW = Exercise(
    name="dial-pull",
    title="Who follows the dial?",
    give=give_followers,
    solve=follow,
    compare=Number(decimals=3),
    right=(_by_difference, lambda g: _parts(g)[0].mean() / _parts(g)[1].mean(), lambda g: f"{follow(g):.4f}"),
    wrong=(
        Wrong(
            "both moments under the PLM",
            lambda g: float(_parts(g)[0].sum() / _parts(g)[2].sum()),
            "Your variance is taken under the PLM's belief. The left side of the balance holds the PoLM's own belief.",
        ),
        Wrong(
            "the variance at T = 1",
            lambda g: float(_parts(g)[0].sum() / _covariance(softmax(g.polm_logits), *2 * (g.polm_logits,)).sum()),
            "Your variance is taken at T = 1. Which belief of the PoLM balances the PLM's?",
        ),
        Wrong(
            "how fast T follows",
            lambda g: -follow(g) * aligned(g.polm_logits, softmax(g.plm_logits)) ** 2,
            "This is how fast T follows. Asked is its inverse, beta.",
        ),
        Wrong(
            "a mean of ratios",
            lambda g: float((_parts(g)[0] / _parts(g)[1]).mean()),
            "You divided question by question. There is one temperature, so sums are divided, not single questions.",
        ),
        Wrong(
            "the agreeing questions only",
            _agreeing,
            "You left out the disagreements. That is DACA; asked is align-all.",
        ),
    ),
    minutes=10,
    level=3,
)


# -- Witnesses ---------------------------------------------------------------------------------------------------------


def give_witnesses(rng: np.random.Generator) -> dict:
    """What four witnesses say, and how reliable each is."""
    reliability = np.round(np.r_[rng.uniform(0.5, 0.7, 2), rng.uniform(0.7, 0.92), rng.uniform(0.4, 0.6)], 2)
    says = np.r_[0, 0, 1, rng.integers(0, 4)]  # two modest witnesses against a good one
    order = rng.permutation(4)
    return {"reliability": reliability[order], "says": np.array(list("ABCD"))[says][order]}


def belief(given: Given, rivals: int = 3) -> float:
    """Return the probability of A, every witness counted by its odds."""
    odds = {
        option: np.prod(
            [r / ((1 - r) / rivals) for r, said in zip(given.reliability, given.says, strict=True) if said == option]
        )
        for option in "ABCD"
    }
    return float(odds["A"] / sum(odds.values()))


def _by_products(given: Given) -> float:
    likely = [
        np.prod([r if said == option else (1 - r) / 3 for r, said in zip(given.reliability, given.says, strict=True)])
        for option in "ABCD"
    ]
    return likely[0] / sum(likely)


def _by_logs(given: Given) -> float:
    weight = np.log(3 * given.reliability / (1 - given.reliability))
    return float(softmax(np.array([weight[given.says == option].sum() for option in "ABCD"]))[0])


WITNESSES = Exercise(
    name="four-witnesses",
    title="Four witnesses",
    give=give_witnesses,
    solve=belief,
    compare=Number(decimals=3),
    right=(_by_products, _by_logs, lambda g: f"{100 * belief(g):.1f} %"),
    wrong=(
        Wrong(
            "a lie names any option",
            lambda g: belief(g, rivals=1),
            "Your odds are those of two options. A witness who errs has three wrong options to choose from.",
        ),
        Wrong(
            "a vote",
            lambda g: float((g.says == "A").mean()),
            "You counted heads. Some witnesses are more reliable than others.",
        ),
        Wrong(
            "a weighted vote",
            lambda g: float(g.reliability[g.says == "A"].sum() / g.reliability.sum()),
            "You added reliabilities. Independent witnesses multiply odds, so their logarithms add up.",
        ),
    ),
    minutes=7,
)

EXERCISES = [SHARE, FOLLOW, WITNESSES]
