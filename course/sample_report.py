# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # A sample report: may the DPO helper say how sure it is?
#
# *A report as the [project](../teach/project.md) asks for, on one of the book's pairs. Every number is computed below; the source of this page is the notebook that is handed in with it.*
#
# **Question.** Mira has a version of her helper that was post-trained by DPO. Teachers like its answers. May it show its confidence on science questions, and if so, after which correction?

# %% tags=["remove-cell"]
# Where the project is missing (Colab, this file alone): fetch it, install it, go to its notebooks.
import os
import subprocess
import sys
from importlib import invalidate_caches, util
from pathlib import Path

if util.find_spec("dualalign") is None or not Path("../data/traces").is_dir():
    home = Path(".." if Path("../data/traces").is_dir() else "dualalign-book").resolve()
    address = os.environ.get("DUALALIGN_REPOSITORY", "https://github.com/dualalign/dualalign")
    home.is_dir() or subprocess.run(["git", "clone", "--quiet", "--depth=1", address, home], check=True)
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", home], check=True)
    os.chdir(home / "notebooks"), invalidate_caches()

# %% tags=["remove-input"]
import dualalign as da
from dualalign import metrics, plots, protocol
from dualalign.book import glue, say

# %% tags=["parameters"]
folder = "../data/traces"
pair = "dpo"
questions = "openbookqa"

# %% tags=["remove-input"]
traces = da.Traces.load(f"{folder}/{pair}__{questions}__choices.safetensors")
both = protocol.both_models({"OpenBookQA": traces}).set_index("model")
plm, polm = both.loc["PLM"], both.loc["PoLM"]
say(
    "**Before.** On all {n} OpenBookQA questions the helper is right on {accuracy:.0%} and {confidence:.0%} sure on average. Its calibration error is {ece:.3f} "
    "(95 % interval {low:.3f} to {high:.3f}); a perfectly calibrated model *as sure as this helper* would show {floor:.3f}, its noise floor. It may not show this confidence to pupils.",
    n=int(polm.n),
    accuracy=polm.accuracy,
    confidence=polm.confidence,
    ece=polm.ece,
    low=polm.ece_low,
    high=polm.ece_high,
    floor=polm.ece_floor,
)

# %% tags=["remove-input"]
say(
    "**Premise.** A label-free method makes the helper as doubtful as its base model, so the base must know something of *these* questions and be honest about it. It is right on {plm_accuracy:.0%}, where a guess gives {chance:.0%}. Its own error is {plm_ece:.3f}, its noise floor {plm_floor:.3f} (higher than the helper's, for answers given with less confidence vary more): "
    "{plm_p:.0%} of perfectly calibrated models would show as much. Nothing speaks against it, but {n_again} questions say little: the interval goes up to {plm_high:.3f}.",
    n_again=int(plm.n),
    plm_accuracy=plm.accuracy,
    chance=plm.chance,
    plm_ece=plm.ece,
    plm_floor=plm.ece_floor,
    plm_p=plm.ece_p,
    plm_high=plm.ece_high,
)

# %% tags=["remove-input"]
names = ["vanilla", "daca", "dual-align", "temperature-scaling"]
splits = [split for _, split in protocol.enumerate_splits(traces, 0.3, range(5))]
said = {
    name: [protocol.answers(da.METHODS[name]().fit(traces.select(fit)), traces.select(test)) for fit, test in splits]
    for name in names
}
table = protocol.averaged(protocol.compare(traces, names, 0.3, range(5)))
table.set_index("method")[["value", "low", "high", "floor", "temperature"]].round(3)

# %% [markdown]
# *ECE on held-out questions, the mean of five splits: 30 % of the questions to fit on, 70 % to judge. Only `temperature-scaling` sees labels; it stands for what they would buy.*

# %% tags=["remove-input"] mystnb={"figure": {"caption": "Held-out questions of the first split: accuracy in bins of confidence, before and after the label-free temperature. Dot: a group of answers; thin bar: 95 % interval of its accuracy; strip: how many answers. What to see: before, the dots lie below the diagonal; after, the diagonal runs through the intervals.", "name": "fig-sample-report"}, "image": {"alt": "Two reliability diagrams. Before, all points lie far below the diagonal, with an ECE of {before:.3f}. After, they lie near it, with an ECE of {after:.3f}."}}
sides = [said[name][0] for name in ("vanilla", "dual-align")]
diagrams = [plots.prepare_reliability(*metrics.top_label(side.values, side.outcomes)) for side in sides]
glue("before", diagrams[0].ece), glue("after", diagrams[1].ece)
axes = plots.plot_reliability_pair(*diagrams)

# %% tags=["remove-input"]
drawn = protocol.bootstrap(said, ("ece",), draws=2000)
gain = protocol.difference(drawn["vanilla", "ece"], drawn["dual-align", "ece"])
rest = protocol.difference(drawn["dual-align", "ece"], drawn["temperature-scaling", "ece"])
seen = "a difference that these questions show" if rest.low * rest.high > 0 else "no difference that these questions can show"
say(
    "**After.** Dual-Align lowers the error by {gain:.3f} ({gain_low:.3f} to {gain_high:.3f}, paired over the same questions; such an interval is drawn towards zero, for resampling adds luck to both errors, and more to the smaller one). Its error less that of a temperature "
    "learned from labels is {rest:.3f} ({rest_low:.3f} to {rest_high:.3f}): {labels}.",
    gain=gain.value,
    gain_low=gain.low,
    gain_high=gain.high,
    rest=rest.value,
    rest_low=rest.low,
    rest_high=rest.high,
    labels=seen,
)

# %% [markdown]
# **Verdict.** Show the confidence after Dual-Align, on questions of this kind. Do not show it as the model gives it.
#
# **What this report does not show.** One pair, one question set, one way of asking. The answers are as often wrong as before: no temperature mends that. A school's own questions may lie where the base model is
# over-confident, and then this correction inherits its error. Before each term: at least three hundred answered questions of the school's own, and this notebook once more.
