# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # The ledger
#
# Mira has read nineteen chapters of evidence. The head teacher wants a page: what do the papers claim, and does it hold? Here is that page.
#
# | You need | [Start here](01_start_here.ipynb), [the main comparison](08_main_comparison.ipynb); each claim links to the page that explains it |
# |---|---|
# | **Helpful** | what an [interval](02_reliability.ipynb) promises |
# | **Time** | 10 minutes |
#
# **You will be able to** say which claims hold on these pairs, how sure that is, and where to look.
#
# No verdict is typed. Each is computed from the table of results, by a rule that was written down before the table was filled, and it changes when the data change.

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

# %%
import pandas as pd

from dualalign import course, ledger, plots
from dualalign.book import say
from dualalign.experiments import table

# %% tags=["parameters"]
results = "../data/results/table"
me = "reader"
pd.set_option("display.max_colwidth", None)

# %% [markdown]
# ## The rule
#
# When does a row of numbers support a claim?
#
# A *setting* is one pair on one question set. Pairs share their questions and their PLM, so settings are not independent; sets nearly are. Hence an effect is averaged over the pairs of a set, and its 95 % interval is Student's $t$ over the sets.
#
# Each claim says on which side of a line its effect lies: a difference of errors below 0, say. The column `claimed` below names side and line.
#
# - The interval lies wholly on the claimed side (it may touch the line): **supported**.
# - It lies wholly on the other side: **contradicted**.
# - Otherwise: **undecided**.
#
# A claim about *every* baseline, pair or part is decided by the least favourable one.
#
# Claim 11 has two conditions: the error falls, and the model tells right answers from wrong ones at all. Where the second is not shown, it is undecided. It rests on one set, so its interval is over questions.
#
# Three things were changed after the table was filled, none in favour of a claim.
#
# - Claim 11 was given its second condition.
# - Claim 7 rests on all seven sets; it had rested on two.
# - Claim 3 is judged by a correlation of values. It was one of ranks, which is negative for a [calibrated model too](03_two_kinds_of_drift.ipynb).
#
# Seven sets make wide intervals. That is as it should be: a claim about question sets in general rests on seven of them.
#
# ## The verdicts

# %%
book = ledger.ledger(table.load(results))
sides = {c.number: f"{'above' if c.sign > 0 else 'below'} {c.margin:g}" for c in ledger.CLAIMS}
shown = book.assign(claimed=pd.Series(sides))[["text", "claimed", "value", "low", "high", "verdict", "decided_by"]]
shown.round(3)

# %% mystnb={"figure": {"caption": "For each claim, the settings that support it by their own interval, those that leave it open, and those that contradict it; the verdict over all sets stands at the right. What to see: the long bars of support for claim 1 and for Dual-Align against no calibration; the mixed ones against DACA and BaseCal; and the one against align-all, where most settings speak for the rival. Claim 7 has no bar, for it is measured over sets only; the bar of claim 11 shows the error alone.", "name": "fig-ledger"}, "image": {"alt": "Stacked bars, one a claim, of the settings that support it, leave it open or contradict it. Of {n} rows, {supported} are supported over all sets, {contradicted} contradicted and {undecided} undecided. That Dual-Align beats DACA is supported by {daca_for} of {daca_settings} settings and contradicted by {daca_against}; that it beats no calibration, by {vanilla_for}."}}
ax = plots.plot_ledger(book)

# %% tags=["remove-input"]
counts = book.verdict.value_counts()
say(
    "Of {n} rows, {supported} are supported, {contradicted} contradicted and {undecided} undecided. Supported: {names}. Contradicted: {against}.",
    n=len(book),
    supported=int(counts.get(ledger.SUPPORTED, 0)),
    contradicted=int(counts.get(ledger.CONTRADICTED, 0)),
    undecided=int(counts.get(ledger.UNDECIDED, 0)),
    names=", ".join(book.index[book.verdict == ledger.SUPPORTED]) or "none",
    against=", ".join(book.index[book.verdict == ledger.CONTRADICTED]) or "none",
)

# %% tags=["remove-input"]
say(
    "By their own intervals, of {daca_settings} settings:\n\n"
    "- against no calibration, {vanilla_for} favour Dual-Align;\n"
    "- against DACA, {daca_for} favour Dual-Align and {daca_against} favour DACA;\n"
    "- against align-all, {all_for} favour Dual-Align and {all_against} favour align-all.\n\n"
    "Why is the last one not *contradicted*? Its interval over the sets is {all_low:+.3f} to {all_high:+.3f}. Many settings share a set, and the sets do not agree.",
    daca_for=int(book[ledger.SUPPORTED]["5 (daca)"]),
    daca_settings=int(book.settings["5 (daca)"]),
    daca_against=int(book[ledger.CONTRADICTED]["5 (daca)"]),
    vanilla_for=int(book[ledger.SUPPORTED]["5 (vanilla)"]),
    all_for=int(book[ledger.SUPPORTED]["5 (align-all)"]),
    all_against=int(book[ledger.CONTRADICTED]["5 (align-all)"]),
    all_low=book.low["5 (align-all)"],
    all_high=book.high["5 (align-all)"],
)

# %% [markdown]
# The next table says what each number measures, on how many settings, and where the claim is from: [P] Dual-Align {cite:p}`luo2026dualalign`, [D] DACA {cite:p}`luo2025daca`, [R] the public reviews.
#
# Claims 5 and 10 count a setting once for each rival or part. G counts the PLM's own readings. Claim 7 is measured over sets only.

# %%
book[["effect", "source", "sets", "settings", *ledger.STATES]]

# %% [markdown]
# | claim | the page behind it |
# |---|---|
# | 1, G | [What post-training does to confidence](06_what_post_training_does.ipynb) |
# | 2, E | [Two kinds of drift](03_two_kinds_of_drift.ipynb), [What the reviewers asked](19_open_questions.ipynb) |
# | 3 | [Two kinds of drift](03_two_kinds_of_drift.ipynb) |
# | 4 | [Why aligning on everything fails](10_why_align_all_fails.ipynb) |
# | 5, 6, 8, 10 | [The main comparison](08_main_comparison.ipynb), [Which readings matter](09_readings.ipynb) |
# | 7 | [How many questions](11_how_many_questions.ipynb) |
# | 9 | true by construction: one positive factor divides all logits of a question, see [Start here](01_start_here.ipynb) |
# | 11 | [Open-ended answers](16_open_ended.ipynb) |
#
# ## What of the papers is here
#
# Every table and figure that the two papers are known to hold, and what this book has for it. *Here* means made from the shipped traces; *command* means that the same code makes it with a hub and a graphics card; the rest says why not.
#
# | in the paper | what it shows | in this book |
# |---|---|---|
# | DACA, Figures 1, 6, 7 | reliability of PLM and PoLM | here: [calibration](02_reliability.ipynb), [along the chain](06_what_post_training_does.ipynb) |
# | DACA, Figures 2, 8 | naive alignment, temperature over epochs | here: [why aligning on everything fails](10_why_align_all_fails.ipynb) |
# | DACA, Tables 1, 6 | main comparison on MMLU | here, on our pairs and seven sets: [main comparison](08_main_comparison.ipynb); their models: command (`dualalign trace`, then `fit`) |
# | DACA, Figure 3 | model sizes | command; two sizes here are of two families, so size alone is not varied |
# | DACA, Tables 2, 10 | closed models with foreign PLMs | a foreign reference here: [what post-training does](06_what_post_training_does.ipynb); closed models: not possible without their logits |
# | DACA, Tables 3, 4, 11 | SFT, DPO, RLVR and checkpoints | here: [what post-training does](06_what_post_training_does.ipynb), [main comparison](08_main_comparison.ipynb) |
# | DACA, Figure 4, Table 12 | open-ended TruthfulQA | here, on NQ-open with human judgements: [open-ended answers](16_open_ended.ipynb) |
# | DACA, Figure 5 | selective classification | here: [decisions](17_decisions.ipynb) |
# | DACA, Table 5 | prompts | here: [prompts, wordings and order](12_prompts_and_order.ipynb) |
# | DACA, Table 7 | MathQA | command, with a file of the set; it is not shipped |
# | DACA, Table 8 | MedMCQA with all baselines | here: [main comparison](08_main_comparison.ipynb) |
# | DACA, Table 9 | vector and matrix scaling | here: [main comparison](08_main_comparison.ipynb) |
# | DACA, Propositions 3.2, 3.3 | theory of naive alignment | here, and corrected: [why aligning on everything fails](10_why_align_all_fails.ipynb), [errata](22_errata.ipynb) |
# | Dual-Align, section 3 | divergence by layer, agreement and disagreement, peak layer | here: [two kinds of drift](03_two_kinds_of_drift.ipynb) |
# | Dual-Align, Figure 5 | stability entropy against confidence | here: [two kinds of drift](03_two_kinds_of_drift.ipynb) |
# | Dual-Align, 4.2, 4.3 | the method | here: [deriving Dual-Align](04_deriving_dual_align.ipynb), every open reading in [which readings matter](09_readings.ipynb) |
# | Dual-Align, section 5 | sizes, families, recipes against baselines and oracle | recipes and two families here: [main comparison](08_main_comparison.ipynb); sizes: command |
# | Dual-Align, Table 3 | ablation of the two parts | here: claim 10 above |
# | Dual-Align, section 6 | open-ended answers | here: [open-ended answers](16_open_ended.ipynb) |
#
# ## What this page does not show
#
# - **Other models.** A verdict is about these pairs: one base of 270 million parameters and its post-trained versions, one foreign model and its further post-training, seven question sets. "Contradicted" means that the effect goes the other way here, not that the paper is wrong.
# - **The papers' numbers.** Dual-Align's tables are not in our hands, and none of their models ran here.
# - **Many claims, one table.** The rows are not corrected for their number. A claim is judged by its own interval; the counts by setting are for orientation only.
# - **Independence of the sets.** The two ARC sets and OpenBookQA are alike, so the intervals are probably too narrow.
#
# ## Summary
#
# - A verdict here is an interval and a rule, not an opinion.
# - What is firm: post-training inflates confidence, and Dual-Align is better than no calibration.
# - What is not: that Dual-Align is better than its closest rivals. Seven sets do not decide it.
# - The premise, a calibrated PLM, does not hold over these sets in general. That is the row to read first.
#
# Mira can tell the head teacher what is safe to say. Which method she should ship is another question.
#
# **Next:** [which method should I use?](21_which_method.ipynb)
#
# ```{exercise} A verdict by hand
# :label: ex-verdict
# `effects` holds the effect of a claim in seven question sets; the claim says that it is positive. What is the lower end of its 95 % interval, by the rule of this page? Answer to four decimals. Then say the verdict to yourself.
# ```

# %%
task = course.task("verdict", me)
task

# %% [markdown]
# ```{solution-start} ex-verdict
# :class: dropdown
# ```

# %% tags=["solution"]
from scipy import stats

n = len(task.effects)
standard_error = task.effects.std(ddof=1) / n**0.5
low = task.effects.mean() - stats.t.ppf(0.975, n - 1) * standard_error
print(f"mean {task.effects.mean():.4f}, low {low:.4f}")
task.check(low)

# %% [markdown] tags=["solution"]
# With seven sets, $t_{0.975,6}$ is 2.45 and not 1.96, and the standard deviation is divided by $\sqrt 7$.
#
# Where the lower end is above zero, the claim is supported. Where it is below, look at the upper end: above zero the claim is undecided, below it is contradicted.

# %% [markdown]
# ```{solution-end}
# ```
