"""The ledger: for each claim of the papers the effect that decides it, and a verdict computed from the results.

A *setting* is one pair on one question set, with an effect and its interval. Pairs share questions and a PLM, so the
sets are taken as the independent units: an effect is averaged over the pairs of a set, and the interval of the verdict
is Student's t over the sets (where there is one setting, its own bootstrap interval stands).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

SUPPORTED, CONTRADICTED, UNDECIDED = "supported", "contradicted", "undecided"
STATES = (SUPPORTED, UNDECIDED, CONTRADICTED)
OURS = "dual-align"
RIVALS = ("vanilla", "align-all", "daca", "basecal", "agreement")  # what needs no label
HALVES = ("confidence-only", "process-only")
NEAR = 0.02  # ECE above the oracle's that still counts as near it; fixed before any result
CALIBRATED = 0.04  # ECE above its noise floor that still counts as calibrated, as the lab asks of its pairs


@dataclass(frozen=True)
class Claim:
    """One row of the ledger.

    Parameters
    ----------
    number, text, source : as in the list of claims; [P] arXiv:2601.04277, [D] arXiv:2505.16690, [R] its public reviews
    effect : what is measured, in words, with its unit
    sign : -1 where the claim says that the effect lies below ``margin``, +1 above
    settings : from the table of results to a row a setting: ``pair``, ``set``, ``value``, ``low``, ``high``
    margin : the line
    worst : a column of the settings; the claim must hold for each of its values, so the least favourable decides
    needs : from the table to whether the claim can be tested at all; where it cannot, it is undecided
    """

    number: str
    text: str
    source: str
    effect: str
    sign: int
    settings: Callable[[pd.DataFrame], pd.DataFrame]
    margin: float = 0.0
    worst: str = ""
    needs: Callable[[pd.DataFrame], bool] | None = None

    def side(self, low: float, high: float) -> str:
        """The verdict of an interval: on the claimed side of the margin as a whole, on the other, or neither."""
        low, high = sorted((self.sign * (low - self.margin), self.sign * (high - self.margin)))
        if math.isnan(low) or math.isnan(high) or low < 0 < high:
            return UNDECIDED
        return SUPPORTED if low >= 0 else CONTRADICTED


def effects(table: pd.DataFrame, metric: str, experiment: str, method: str = "", reading: str = "") -> pd.DataFrame:
    """The settings of one metric that has `metric_low` and `metric_high` beside it."""
    chosen = table[(table.experiment == experiment) & (table.method == method) & (table.reading == reading)]
    chosen = chosen[(chosen.seed == -1) & (chosen["style"] != "p-true") & own_style(chosen)]
    names = {metric: "value", f"{metric}_low": "low", f"{metric}_high": "high"}
    wide = chosen[chosen.metric.isin(names)].pivot_table(index=["pair", "set"], columns="metric", values="value")
    return wide.rename(columns=names).reindex(columns=["value", "low", "high"]).reset_index()


def own_style(table: pd.DataFrame) -> pd.Series:
    """True for the rows of a pair in its own style: the main pair was also read in others."""
    return (table.pair != "sft4") | (table["style"] == "choices")


def against(rivals: tuple[str, ...]) -> Callable[[pd.DataFrame], pd.DataFrame]:
    """Dual-Align's ECE less that of each rival, on held-out questions; the rival's name stands in `rival`."""
    import pandas as pd

    def settings(table: pd.DataFrame) -> pd.DataFrame:
        found = {rival: effects(table, "ece_minus", "main", OURS, rival) for rival in rivals}
        return pd.concat([rows.assign(rival=rival) for rival, rows in found.items()], ignore_index=True)

    return settings


def of_claims(metric: str, method: str = "") -> Callable[[pd.DataFrame], pd.DataFrame]:
    """The settings of one effect of the experiment `claims`."""
    return lambda table: effects(table, metric, "claims", method)


def untouched(table: pd.DataFrame) -> pd.DataFrame:
    """The share of predictions that Dual-Align changes; counted, so it has no interval."""
    found = effects(table, "predictions_changed", "claims", OURS)
    return found.assign(low=found["value"], high=found["value"])


def open_ended(table: pd.DataFrame) -> pd.DataFrame:
    """Dual-Align's ECE less that of no calibration, on the open-ended answers that the model judges itself."""
    rows = table[(table.experiment == "claims") & (table["style"] == "p-true") & (table.reading == "vanilla")]
    found = rows.set_index("metric")["value"]
    values = {name: [found[f"ece_minus{end}"]] for name, end in (("value", ""), ("low", "_low"), ("high", "_high"))}
    return rows[["pair", "set"]].head(1).assign(**values)


def has_signal(table: pd.DataFrame) -> bool:
    """Whether the PoLM tells right answers from wrong ones: without a signal any flattening calibrates."""
    rows = table[(table.experiment == "claims") & (table.metric == "signal_low")]
    return bool((rows["value"] > 0.5).all())


def premise(table: pd.DataFrame) -> pd.DataFrame:
    """The PLM's ECE less its noise floor, on all questions of a set, once a PLM and style."""
    found = effects(table, "ece", "main", "plm").merge(
        effects(table, "ece_floor", "main", "plm")[["pair", "set", "value"]].rename(columns={"value": "floor"})
    )
    for name in ("value", "low", "high"):
        found[name] -= found["floor"]
    return found[found.pair.isin(["sft4", "smollm2", "smollm2-sft4"])].drop(columns="floor")


def excess_of_few(table: pd.DataFrame, sizes: tuple[int, ...] = (10, 20, 50, 100)) -> pd.DataFrame:
    """What few questions cost: ECE of a fit on n of them less that on all, Dual-Align's less DACA's, a mean over n."""
    rows = table[(table.experiment == "size") & (table.metric == "ece") & table.method.isin([OURS, "daca"])]
    means = rows.groupby(["pair", "set", "method", "n"])["value"].mean().unstack("n").sort_index(axis=1)
    of_all = means.ffill(axis=1).iloc[:, -1]  # the largest n of each setting is all of its half
    cost = (means[list(sizes)].mean(axis=1) - of_all).unstack("method")
    return (cost[OURS] - cost["daca"]).rename("value").reset_index().assign(low=math.nan, high=math.nan)


CLAIMS = (
    Claim("1", "Post-training inflates confidence more than accuracy.", "[P]",
          "rise of mean confidence less rise of accuracy", 1, of_claims("inflation")),
    Claim("2a", "On agreement the paths through the layers stay closer than on disagreement.", "[P]",
          "median last-layer divergence, disagreement less agreement (nats)", 1, of_claims("divergence")),
    Claim("2b", "On disagreement the divergence jumps at one layer.", "[P]",
          "median share of all movement in the largest jump, disagreement less agreement", 1, of_claims("jump_share")),
    Claim("3", "A low stability entropy of the PoLM goes with over-confidence.", "[P][R]",
          "correlation of ISE with confidence less correctness", -1, of_claims("ise_overconfidence")),
    Claim("4", "Aligning on disagreements makes the PoLM under-confident.", "[D]",
          "mean confidence less accuracy after aligning on disagreements alone", -1, of_claims("disagreement_gap")),
    Claim("5", "Dual-Align's calibration error is below that of every unsupervised baseline.", "[P]",
          "ECE of Dual-Align less that of the least favourable baseline", -1, against(RIVALS), 0.0, "rival"),
    *(Claim(f"5 ({rival})", f"Dual-Align's calibration error is below that of {rival}.", "[P]",
            "difference of ECE", -1, against((rival,))) for rival in RIVALS),
    Claim("6", f"It comes near the supervised oracle (within {NEAR}).", "[P]",
          "ECE of Dual-Align less that of temperature scaling", -1, against(("temperature-scaling",)), NEAR),
    Claim("7", "It needs fewer questions than DACA.", "[P]",
          "ECE lost by fitting on 10 to 100 questions, Dual-Align's less DACA's", -1, excess_of_few),
    Claim("8", "It lowers the error across post-training recipes and families.", "[P]",
          "change of ECE from no calibration, in the least favourable pair", -1, against(("vanilla",)), 0.0, "pair"),
    Claim("9", "Accuracy is untouched.", "[P]",
          "share of predictions that change", -1, untouched),
    Claim("10", "Both parts are needed.", "[P][R]",
          "ECE of Dual-Align less that of the better half", -1, against(HALVES), 0.0, "rival"),
    Claim("11", "It carries over to open-ended answers that the model judges itself.", "[P]",
          "change of ECE from no calibration, if it tells right from wrong", -1, open_ended, needs=has_signal),
    Claim("E", "The two regimes appear for every recipe and family.", "[R]",
          "as 2b, in the least favourable pair", 1, of_claims("jump_share"), 0.0, "pair"),
    Claim("G", f"The premise: the PLM is calibrated (ECE within {CALIBRATED} of its noise floor).", "[P][D]",
          "ECE of the PLM less its noise floor", -1, premise, CALIBRATED),
)  # fmt: skip


def over_sets(settings: pd.DataFrame) -> tuple[float, float, float, int]:
    """Mean effect over the sets, its 95 % interval, and the number of sets."""
    from scipy import stats

    means = settings.groupby("set")["value"].mean()
    if len(settings) == 1:
        only = settings.iloc[0]
        return (*(float(only.get(name, math.nan)) for name in ("value", "low", "high")), 1)
    if len(means) < 2:
        return float(means.mean()), math.nan, math.nan, len(means)
    half = stats.t.ppf(0.975, len(means) - 1) * means.std() / math.sqrt(len(means))
    return float(means.mean()), float(means.mean() - half), float(means.mean() + half), len(means)


def judge(claim: Claim, table: pd.DataFrame) -> dict[str, object]:
    """The row of one claim.

    Returns
    -------
    dict
        ``claim``, ``text``, ``source``, ``effect``; ``value``, ``low``, ``high`` over ``sets`` sets; ``verdict``;
        ``decided_by``, the least favourable value of the claim's `worst`; how many ``settings`` there are, and how many
        of them are supported, undecided or contradicted by their own interval.
    """
    settings = claim.settings(table)
    deciding, decided_by = settings, ""
    if claim.worst:
        means = {name: over_sets(rows)[0] for name, rows in settings.groupby(claim.worst)}
        decided_by = min(means, key=lambda name: claim.sign * means[name])
        deciding = settings[settings[claim.worst] == decided_by]
    value, low, high, sets = over_sets(deciding)
    states = [claim.side(row.low, row.high) for row in settings.itertuples() if not math.isnan(row.low)]
    counts = {state: states.count(state) for state in STATES}
    words = {"claim": claim.number, "text": claim.text, "source": claim.source, "effect": claim.effect}
    found = {"value": value, "low": low, "high": high, "margin": claim.margin, "sets": sets}
    testable = claim.needs is None or claim.needs(table)
    verdict = claim.side(low, high) if testable else UNDECIDED
    return words | found | {"verdict": verdict, "decided_by": decided_by, "settings": len(states)} | counts


def ledger(table: pd.DataFrame) -> pd.DataFrame:
    """All claims, judged; a row a claim, indexed by its number."""
    import pandas as pd

    return pd.DataFrame([judge(claim, table) for claim in CLAIMS]).set_index("claim")
