"""Which open readings of Dual-Align matter: one at a time around the default, and all of them at once.

The public record leaves several parts of the method open; `OPEN` lists them. The experiment `ablation` changes one at a
time on every setting (a pair on a set), the experiment `factorial` takes every combination on the main pair. As in the
ledger, the sets are the units of every interval: pairs share questions and a PLM.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from . import ledger, protocol
from .calibrators import AlignAll, DualAlign, ProcessOnly
from .drift import LN2
from .experiments.ablation import DEFAULT, OPTIONS
from .results import SETTING, paired
from .traces import Traces

if TYPE_CHECKING:
    import pandas as pd

MARGIN = 0.01  # a difference of ECE below which a choice is called small


class Open(NamedTuple):
    """One part that the record leaves open. Sources: [P] arXiv:2601.04277, [R] its reviews, [D] arXiv:2505.16690."""

    argument: str
    asks: str
    record: str
    options: tuple[str, ...] = ()  # of what is no argument of `DualAlign`; the default comes first


OPEN = (
    Open("aggregate", "how ISE runs over layers", "[P][R]: entropy from the peak layer to the last; leans to the mean"),
    Open("tempered", "which layers τ divides", "[R]: a mismatch of training and inference, so more than the last"),
    Open("process", "what is squared", "[R]: the gap of ISE; another review: along the reasoning process"),
    Open("weight", "w(x), the share of C", "[R]: a weight a question, more than sorting; the form is open"),
    Open("kl", "direction of C", "[R]: a KL; [D]: PLM first"),
    Open("base", "logarithm of C and S", "nothing"),
    Open("peak", "rule of the peak layer", "[P]: the largest jump; the other two are ours, to compare"),
    Open("vocabulary", "tokens of an inner layer", "[D]: K options at the output; inner layers open", ("K", "all")),
    Open("lens", "how an inner layer is read", "nothing", ("logit", "tuned")),
)


def open_readings() -> pd.DataFrame:
    """What is open, the options in the code, the default, and what the record says; a row a reading."""
    import pandas as pd

    rows = []
    for reading in OPEN:
        options = reading.options or OPTIONS[reading.argument]
        default = options[0] if reading.options else getattr(DualAlign(), reading.argument)
        others = ", ".join(str(option) for option in options if option != default)
        rows.append({"reading": reading.argument, "asks": reading.asks, "default": default, "others": others})
    return pd.DataFrame(rows).assign(record=[reading.record for reading in OPEN]).set_index("reading")


# -- One at a time -------------------------------------------------------------------------------------------------


def differences(table: pd.DataFrame, quantity: str = "ece") -> pd.DataFrame:
    """Each option less the default, setting by setting, by the paired bootstrap over questions.

    Returns
    -------
    DataFrame
        A row an option and setting: `reading`, `SETTING`, `value`, `low`, `high` (95 %), `p`, and `p_holm`, corrected
        over the settings of the same option. (With R resamples no p-value lies below 2 / (1 + R): one family of all
        options and settings could find nothing at R = 10,000.)

    Raises
    ------
    ValueError
        Where the table holds no such differences.
    """
    rows = table[(table.experiment == "ablation") & (table.seed == -1)]
    wide = paired(rows, quantity, ["reading", *SETTING])
    return wide.assign(p_holm=wide.groupby("reading")["p"].transform(protocol.holm)).reset_index()


def effects(table: pd.DataFrame, quantity: str = "ece", level: float = 0.05) -> pd.DataFrame:
    """What each option changes, in the order of `OPTIONS`.

    Returns
    -------
    DataFrame
        A row an option. `value`, `low`, `high`: mean difference from the default over the sets, with its 95 % interval
        (Student's t over the sets); `p_holm` of the same test, corrected over the options; `moved`: mean size of a
        setting's difference, whatever its sign; `lower` and `higher`: settings in which the difference was found, after
        Holm over the settings of the option; `settings`; `ratio`, `ratio_low`, `ratio_high`: temperature over that of
        the default, a geometric mean with its interval over the sets.
    """
    import pandas as pd
    from scipy import stats

    each, ratios = differences(table, quantity), _log_ratios(table)
    rows = {}
    for reading in (r for r in _ordered() if r in set(each["reading"])):
        part = each[each["reading"] == reading]
        value, low, high, sets = ledger.over_sets(part)
        means = part.groupby("set")["value"].mean()
        found = part["p_holm"] <= level
        ratio = np.exp(ledger.over_sets(ratios[ratios["reading"] == reading])[:3])
        rows[reading] = {
            "value": value,
            "low": low,
            "high": high,
            "p": float(stats.ttest_1samp(means, 0).pvalue) if sets > 1 else math.nan,
            "moved": part["value"].abs().mean(),
            "lower": int((found & (part["value"] < 0)).sum()),
            "higher": int((found & (part["value"] > 0)).sum()),
            "settings": len(part),
        } | dict(zip(("ratio", "ratio_low", "ratio_high"), ratio, strict=True))
    out = pd.DataFrame.from_dict(rows, orient="index").rename_axis("reading")
    return out.assign(p_holm=protocol.holm(out.pop("p")))


def verdicts(effects: pd.DataFrame, margin: float = MARGIN, level: float = 0.05) -> pd.Series:
    """Say of each option what it does to the error.

    "small": the whole interval lies within ±margin; else "lowers" or "raises" where the difference was found, after
    Holm's correction over the options; else "undecided".
    """
    import pandas as pd

    small = (effects["low"] > -margin) & (effects["high"] < margin)
    found = effects["p_holm"] <= level
    words = np.select([small, found & (effects["value"] < 0), found], ["small", "lowers", "raises"], "undecided")
    return pd.Series(words, effects.index, name="verdict")


def _ordered() -> list[str]:
    return [f"{argument}={option}" for argument, options in OPTIONS.items() for option in options]


def _log_ratios(table: pd.DataFrame) -> pd.DataFrame:
    """log T of each option less that of the default, a mean over the splits, a row an option and setting."""
    rows = table[(table.experiment == "ablation") & (table.metric == "temperature")]
    wide = np.log(rows.pivot_table(index=[*SETTING, "seed"], columns="reading", values="value"))
    ratios = wide.sub(wide[DEFAULT], axis=0).groupby(SETTING).mean()
    return ratios.drop(columns=DEFAULT).melt(ignore_index=False, var_name="reading", value_name="value").reset_index()


def equivalences(traces: Traces) -> pd.DataFrame:
    """Pairs of readings that are the same method, each fitted: the two temperatures of every pair.

    With a fixed weight w, base 2 divides C by ln 2 and S by its square, which is base e with the weight
    w / (w + (1 - w) / ln 2).
    """
    import pandas as pd

    again = 0.5 / (0.5 + 0.5 / LN2)
    pairs = {
        "weight=1, align-all": (DualAlign(weight=1.0), AlignAll()),
        "weight=0, process-only at weight 0": (DualAlign(weight=0.0), ProcessOnly(weight=0.0)),
        f"weight=0.5 base=2, weight={again:.3f}": (DualAlign(weight=0.5, base="2"), DualAlign(weight=again)),
        "weight=1 base=2, weight=1": (DualAlign(weight=1.0, base="2"), DualAlign(weight=1.0)),
        "weight=0 base=2, weight=0": (DualAlign(weight=0.0, base="2"), DualAlign(weight=0.0)),
        "weight=0 kl=polm-first, weight=0": (DualAlign(weight=0.0, kl="polm-first"), DualAlign(weight=0.0)),
        "weight=1 aggregate=sum-entropy, weight=1": (
            DualAlign(weight=1.0, aggregate="sum-entropy"),
            DualAlign(weight=1.0),
        ),
        "process=per-layer aggregate=sum-entropy, process=per-layer": (
            DualAlign(process="per-layer", aggregate="sum-entropy"),
            DualAlign(process="per-layer"),
        ),
    }
    found = {name: [method.fit(traces).temperature_ for method in two] for name, two in pairs.items()}
    return pd.DataFrame.from_dict(found, orient="index", columns=["first", "second"])
