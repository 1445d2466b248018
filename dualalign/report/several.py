"""Several traces on one page: a table of all of them to sort, and which method did best where labels can tell."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dualalign import metrics
from dualalign.checks import confidence_pairs, unlabelled
from dualalign.report.html import Html, said, table
from dualalign.report.methods import span

if TYPE_CHECKING:
    import pandas as pd

    from dualalign.report.article import Article

NAMES = ("Trace", "Models", "Questions", "Labelled", "Verdict", "T", "Confidence", "at T", "ECE", "at T", "Floor at T")
WORDS = {"ok": "use", "care": "with care", "fail": "do not use"}
READS_LABELS = ("temperature-scaling",)


def front(articles: list[Article]) -> str:
    """Return the HTML that stands before the articles of several traces."""
    return f"<section><h2>All {len(articles)} traces</h2>{_overview(articles)}{_leaderboard(articles)}</section>"


def _overview(articles: list[Article]) -> str:
    rows, keys = zip(*(_row(article) for article in articles), strict=True)
    shown = table(NAMES, rows, "All traces", keys)
    return f"<p>A heading sorts by its column; each trace leads to its own part of the page.</p>{shown}"


def _row(article: Article) -> tuple[list[object], dict[int, float]]:
    traces, verdict = article.traces, article.verdict
    t, pair = verdict.temperature, [traces.metadata.get(key) or "unnamed" for key in ("plm", "polm")]
    before, after, floor = _errors(article)
    numbers = [t if t is not None else np.nan, verdict.before, verdict.after if t else np.nan, before, after, floor]
    link = Html(f'<a href="#{article.anchor}">{said(article.name.removesuffix(".safetensors"), 80)}</a>')
    words = Html(f'<span class="mark {verdict.state}">{WORDS[verdict.state]}</span>')
    labelled = int((traces.labels >= 0).sum())
    row = [link, f"{pair[0]} and {pair[1]}", f"{len(traces):,}", f"{labelled:,}", words, *numbers]
    order = {"ok": 0.0, "care": 1.0, "fail": 2.0}[verdict.state]
    return row, {2: len(traces), 3: labelled, 4: order, **dict(enumerate(numbers, start=5))}


def _errors(article: Article) -> tuple[float, float, float]:
    """ECE of the PoLM as it is, and at T with its noise floor; NaN where labels or a temperature are lacking."""
    traces, t = article.traces, article.verdict.temperature
    if unlabelled(traces):
        return np.nan, np.nan, np.nan
    before = metrics.ece(*confidence_pairs(traces, traces.polm_final))
    if t is None:
        return before, np.nan, np.nan
    pairs = confidence_pairs(traces, traces.polm_final, t)
    return before, metrics.ece(*pairs), metrics.ece_floor(pairs[0])


def leaderboard(articles: list[Article]) -> pd.DataFrame:
    """Mean rank and mean error of every method over the traces with labels.

    Returns
    -------
    DataFrame
        Sorted by ``rank``: a row a method that was judged on all of them, with ``method``, ``rank`` (mean, 1 is best),
        ``value`` (mean ECE), ``low`` and ``high`` (means of the ends of the intervals), ``floor`` (mean), ``best`` (how
        often it had the least ECE).
    """
    import pandas as pd

    judged = [a.results.dropna(subset="value").set_index("method") for a in articles if not unlabelled(a.traces)]
    if not judged:
        return pd.DataFrame()
    common = [name for name in judged[0].index if all(name in one.index for one in judged)]
    errors = pd.DataFrame({i: one.loc[common, "value"] for i, one in enumerate(judged)})
    ranks = errors.rank(method="average")
    means = {
        key: sum(one.loc[common, key] for one in judged) / len(judged) for key in ("value", "low", "high", "floor")
    }
    best = (errors.eq(errors.min())).sum(axis=1)
    board = pd.DataFrame({"rank": ranks.mean(axis=1), **means, "best": best}).rename_axis("method")
    return board.sort_values("rank", kind="stable").reset_index()


def _leaderboard(articles: list[Article]) -> str:
    labelled = [article for article in articles if not unlabelled(article.traces)]
    if not labelled:
        return f"<h3>Methods over all traces</h3>{_temperatures(articles)}{UNRANKED}"
    board = leaderboard(articles)
    names = ("Method", "Mean rank", "Best on", "Mean ECE", "Mean 95 % interval", "Mean noise floor")
    rows, keys = [], []
    for row in board.itertuples():
        name = f"{row.method} (reads labels)" if row.method in READS_LABELS else row.method
        rows.append([name, f"{row.rank:.1f}", f"{row.best}", row.value, span(row.low, row.high), row.floor])
        keys.append({1: row.rank, 2: row.best, 3: row.value, 5: row.floor})
    shown = table(names, rows, "Methods over all traces", keys)
    many = f"{len(labelled)} of {len(articles)} traces carry labels"
    same = "" if len(labelled) > 1 else " With one of them this is no comparison of methods yet."
    return f"<h3>Methods over all traces</h3><p>{many}; only those count here.{same}</p>{shown}{RANKED}"


def _temperatures(articles: list[Article]) -> str:
    """Temperatures of every method on every trace: all that can be compared without labels."""
    methods = list(articles[0].results["method"])
    found = [article.results.set_index("method")["temperature"] for article in articles]
    names = ("Method", *(f"Trace {i}" for i in range(1, len(articles) + 1)))
    rows = [[name, *(one.get(name, np.nan) for one in found)] for name in methods]
    kept = [row for row in rows if any(isinstance(v, float) and not np.isnan(v) for v in row[1:])]
    return table(names, kept, "Temperatures of all methods")


RANKED = (
    "<p>The error of each trace is measured on questions that the method was not fitted on. Intervals are means over "
    "traces, not intervals of a mean. A lead within an interval may be chance: "
    "look at the single traces before choosing a method by this table.</p>"
)
UNRANKED = (
    "<p>No trace carries enough labels to judge a method, so there is no ranking: only the temperatures that each asks "
    "for can be compared.</p>"
)
