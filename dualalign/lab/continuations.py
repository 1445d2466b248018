"""What a temperature does to a whole vocabulary, and what sampled text is like: plain arrays, no model.

A calibrated temperature is learned on the K option tokens. Sampling divides all logits by it. The functions here say
what that does to one distribution (`spread`), draw a token from it (`choose`), and describe what was drawn.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from .. import metrics

if TYPE_CHECKING:
    import pandas as pd

NUCLEUS = 0.9  # share of the probability that the reported nucleus holds
SETTING = ["chosen_by", "temperature", "top_p"]  # what names a way of sampling


class Spread(NamedTuple):
    """How wide the distribution over a vocabulary is.

    Attributes
    ----------
    entropy : float
        Of the whole vocabulary, nats.
    option_entropy : float
        Of the option tokens alone, renormalised, nats.
    mass : float
        Probability of the option tokens together.
    nucleus : int
        Size of the smallest set of tokens that holds `NUCLEUS` of the probability.
    option_first : bool
        Whether the likeliest token is an option; no temperature changes it.
    """

    entropy: float
    option_entropy: float
    mass: float
    nucleus: int
    option_first: bool


class Choice(NamedTuple):
    """A sampled token, and the distribution it came from.

    Attributes
    ----------
    token : int
    entropy : float
        Of the tempered distribution over the whole vocabulary, nats.
    sampled_entropy : float
        Of what top-p leaves of it, renormalised, nats.
    nucleus : int
        Size of the tempered distribution's nucleus of `NUCLEUS`, whatever top-p is.
    log_p : float
        Log-probability of the token at temperature 1, nats.
    """

    token: int
    entropy: float
    sampled_entropy: float
    nucleus: int
    log_p: float


def log_softmax(logits: np.ndarray, temperature: float = 1.0) -> np.ndarray:
    """Log-probabilities over a vocabulary, float64 (V,)."""
    z = logits.astype(np.float64) / temperature
    z -= z.max()
    return z - np.log(np.exp(z).sum())


def nucleus_size(p: np.ndarray, share: float = NUCLEUS) -> int:
    """Size of the smallest set of tokens whose probabilities (V,) sum to at least ``share``."""
    held = np.cumsum(np.sort(p)[::-1])
    return min(int(np.searchsorted(held, share * held[-1])) + 1, len(p))


def spread(logits: np.ndarray, options: Sequence[int], temperature: float = 1.0) -> Spread:
    """Describe one distribution over the vocabulary at a temperature.

    Parameters
    ----------
    logits : (V,)
    options : K token ids
    temperature : float
    """
    log_p = log_softmax(logits, temperature)
    p, among = np.exp(log_p), log_softmax(logits[list(options)], temperature)
    return Spread(
        entropy=_entropy(p, log_p),
        option_entropy=_entropy(np.exp(among), among),
        mass=float(p[list(options)].sum()),
        nucleus=nucleus_size(p),
        option_first=int(np.argmax(logits)) in set(options),
    )


def tempered_options(exact: pd.DataFrame) -> pd.DataFrame:
    """What remains to be said where a temperature divides the option logits alone, and they keep their probability.

    The entropy of such a distribution follows from the chain rule. With M the options' probability at temperature 1,
    H = h(M) + M H_options + (1 - M) H_others, and only H_options changes.

    Parameters
    ----------
    exact : DataFrame
        A row a (model, temperature, question): ``entropy``, ``option_entropy``, ``mass``; each model also at 1.

    Returns
    -------
    DataFrame
        The same rows with the ``entropy`` and the ``mass`` of that distribution; without ``nucleus``, which does not
        follow.
    """
    keys = ["model", "question_id"]
    plain = exact[exact["temperature"] == 1].drop_duplicates(keys).set_index(keys)
    before = plain.loc[list(exact[keys].itertuples(index=False, name=None))]
    mass, moved = before["mass"].to_numpy(), exact["option_entropy"] - before["option_entropy"].to_numpy()
    kept = exact.drop(columns="nucleus", errors="ignore")
    return kept.assign(entropy=before["entropy"].to_numpy() + mass * moved, mass=mass)


def choose(logits: np.ndarray, temperature: float, top_p: float, u: float) -> Choice:
    """Sample a token by inverting the distribution function at ``u``.

    Parameters
    ----------
    logits : (V,)
    temperature : float
    top_p : float
        1 keeps every token; below 1 only the nucleus of that share, with all ties at its edge.
    u : float
        Uniform on [0, 1).
    """
    log_q = log_softmax(logits, temperature)
    q = np.exp(log_q)
    kept = q if top_p >= 1 else _truncated(q, top_p)
    up_to = np.cumsum(kept)
    # a token without probability adds nothing to the sum, so that the first place beyond u never is one
    token = min(int(np.searchsorted(up_to, u * up_to[-1], side="right")), int(np.flatnonzero(kept)[-1]))
    left = kept[kept > 0] / up_to[-1]
    entropy = _entropy(q, log_q)
    sampled = entropy if top_p >= 1 else _entropy(left, np.log(left))
    return Choice(token, entropy, sampled, nucleus_size(q), float(log_softmax(logits)[token]))


def _truncated(q: np.ndarray, top_p: float) -> np.ndarray:
    edge = np.sort(q)[-nucleus_size(q, top_p)]
    return np.where(q >= edge, q, 0.0)


def _entropy(p: np.ndarray, log_p: np.ndarray) -> float:
    return float(-(p * log_p).sum())


def distinct(texts: Sequence[Sequence], n: int) -> float:
    """Distinct n-grams over all n-grams of some token sequences, together; NaN where there are none."""
    grams = [gram for text in texts for gram in _grams(text, n)]
    return len(set(grams)) / len(grams) if grams else float("nan")


def repetition(text: Sequence) -> float:
    """Share of a sequence's tokens that stand in it before; 0 for an empty one."""
    return 1 - len(set(text)) / len(text) if len(text) else 0.0


def _grams(text: Sequence, n: int) -> list[tuple]:
    return [tuple(text[i : i + n]) for i in range(len(text) - n + 1)]


def by_question(tokens: pd.DataFrame) -> pd.DataFrame:
    """Describe the samples of each question under each way of sampling.

    Parameters
    ----------
    tokens : DataFrame
        A row a sampled token: `SETTING`, ``question_id``, ``sample``, ``step`` (from 0), ``piece``, ``entropy``,
        ``sampled_entropy``, ``nucleus``, ``logp_polm``, ``logp_plm``, ``option`` (which option the first token is; -1
        for none).

    Returns
    -------
    DataFrame
        Indexed by `SETTING` and question. Means over its samples: ``entropy``, ``sampled_entropy`` (nats a token),
        ``nucleus`` (tokens), ``logp_polm``, ``logp_plm`` (nats a token, at temperature 1), ``option`` (share whose
        first token is an option), ``repetition``; ``distinct_1`` and ``distinct_2`` of its samples together.
    """
    import pandas as pd

    measured = ["entropy", "sampled_entropy", "nucleus", "logp_polm", "logp_plm"]
    keys = [*SETTING, "question_id"]
    tokens = tokens.sort_values([*keys, "sample", "step"])
    samples = tokens.groupby([*keys, "sample"], sort=False)
    table = samples[measured].mean()
    first = tokens[tokens["step"] == 0].set_index([*keys, "sample"])
    table["option"] = (first["option"] >= 0).astype(float)
    texts = samples["piece"].agg(tuple)
    table["repetition"] = texts.map(repetition)
    means = table.groupby(keys, sort=False).mean()
    together = texts.groupby(keys, sort=False)
    each = {f"distinct_{n}": together.agg(lambda some, n=n: distinct(list(some), n)) for n in (1, 2)}
    return means.join(pd.DataFrame(each))


def by_setting(questions: pd.DataFrame, draws: int = 1000, seed: int = 0) -> pd.DataFrame:
    """Average `by_question` over the questions, with 95 % bootstrap intervals over questions.

    Returns
    -------
    DataFrame
        Indexed by `SETTING`, in order of temperature and then of top-p, the larger first; for each column of
        `by_question` its mean, and ``_low`` and ``_high``.
    """
    import pandas as pd

    rows = {}
    for setting, part in questions.groupby(SETTING):
        row = {}
        for name in part:
            low, high = metrics.interval(np.mean, part[name].to_numpy(), draws=draws, seed=seed)
            row |= {name: part[name].mean(), f"{name}_low": low, f"{name}_high": high}
        rows[setting] = row
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis(SETTING)
    order = np.lexsort([-table.index.get_level_values("top_p"), table.index.get_level_values("temperature")])
    return table.iloc[order]


def text_of(tokens: pd.DataFrame) -> str:
    """The text of one sample's rows, from its pieces, line breaks written as ⏎."""
    text = "".join(tokens.sort_values("step")["piece"])
    return text.replace("▁", " ").replace("\n", "⏎")


def gained(
    first: pd.DataFrame, second: pd.DataFrame, columns: Sequence[str], level: float = 0.95, draws: int = 1000
) -> Mapping[str, metrics.Difference]:
    """Paired differences of `by_question` (first less second) by column, with bootstrap intervals over questions."""
    first, second = (part.droplevel(SETTING).sort_index() for part in (first, second))
    if list(first.index) != list(second.index):
        raise ValueError("first and second were not sampled for the same questions; compare on the same ones")
    pairs = {c: ((first[c].to_numpy(),), (second[c].to_numpy(),)) for c in columns}
    return {c: metrics.paired_difference(np.mean, *pair, level=level, draws=draws) for c, pair in pairs.items()}
