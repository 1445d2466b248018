"""A small lesson that is in order, for the tests of the tools that make things from lessons."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from browser_kit import ROOT

ADDRESS = "https://example.org/book"

LESSON = """# %% [markdown]
# # Lesson 3: A sample?
#
# Mira asks *one* question. Does $T$ matter?
#
# | You need | nothing |
# |---|---|
# | **Helpful** | nothing |
# | **Time** | 50 minutes |
#
# **You will be able to**
#
# - say what a {term}`temperature` does,
# - and what it
#   does not.

# %%
import matplotlib.pyplot as plt
from dualalign import course
from dualalign.book import glue, say

# %% tags=["parameters"]
folder = "../data/traces"
me = "reader"

# %% [markdown] tags=["guide"]
# ## Minutes
#
# | minute | what |
# |---|---|
# | 0 | ask |
#
# ## Board plan
#
# One line.
#
# ## Common misconceptions
#
# None.

# %% [markdown] tags=["guide"]
# ## Discussion
#
# 1. One?
# 2. Two?
# 3. Three?
# 4. Four?
#
# ## If time is short
#
# Stop.

# %% [markdown] tags=["slide"]
# ## A curve
#
# See {cite:p}`guo2017calibration` and [chapter 1](../notebooks/01_start_here.ipynb), or [lesson 4](04_drift.ipynb).
# The loss is
#
# $$ a < b. $$

# %% tags=["slide"] mystnb={"image": {"alt": "A line that rises to {top:.1f} & more."}}
glue("top", 2.0)
_ = plt.plot([1, 2])

# %% [markdown] tags=["slide-only"]
# ## For the class alone
#
# - a <b>bold</b> claim

# %% [markdown]
# ```{exercise} Louder
# :label: ex-halve
# The data are `task.temperature` and `task.factor`. What is the new temperature?
# ```

# %%
task = course.task("halve", me)
task

# %% [markdown]
# ```{solution-start} ex-halve
# :class: dropdown
# ```

# %% [markdown] tags=["solution"]
# Both grow by the same factor.
#
# It cancels.

# %% tags=["solution"]
factor = task.factor
task.check(factor * task.temperature)

# %% [markdown]
# ```{solution-end}
# ```

# %% [markdown]
# :::{note}
# Take *care*.
# :::

# %%
course.quiz("pre")
"""


def make_sample(root: Path) -> Path:
    """Fill a folder as a small checkout with the lesson, everything made from it, and a site with its slides."""
    import jupytext
    import lesson

    import course

    for name in ("course", "book", "data/traces", "_build"):
        (root / name).mkdir(parents=True)
    (root / "course/03_sample.py").write_text(LESSON, encoding="utf-8")
    jupytext.write(jupytext.read(root / "course/03_sample.py"), root / "course/03_sample.ipynb")
    (root / "_config.yml").write_text(f"repository: {{url: {ADDRESS}}}\n")
    (root / "book/_toc.yml").write_text("- file: course/03_sample\n- file: teach/guide_03\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lesson, "FEWEST_EXERCISES", 1)
        patch.setattr(lesson, "SLIDES", (4, 20))
        assert course.main(["--root", str(root)]) == 0
    shutil.copytree(root / "_build/slides", root / "site/slides")
    (root / "site/_static").symlink_to(ROOT / "vendor")
    return root
