"""Training recipes: everything that decides a run, in one frozen record."""

from __future__ import annotations

from dataclasses import dataclass, field, replace


@dataclass(frozen=True)
class Recipe:
    """One training run on the first token of the answer.

    Parameters
    ----------
    name : str
        Also the adapter's folder.
    base : str
        The packaged model.
    start : str
        Recipe whose adapter this run goes on from; empty for the base itself.
    method : {"sft", "dpo", "rlvr"}
        The loss; see `losses`.
    full : bool
        Train every weight but the embeddings instead of a LoRA update.
    mix, clash_mix : dict of prompt style to probability
        How each question is asked, where ``choices`` can read it and where it cannot; see `pool.mixed_examples`.
    limit : int or None
        Number of questions, None for the whole pool.
    epochs : int
        Passes over the questions.
    learning_rate : float
        Peak of AdamW's rate: warm-up over 20 steps, then linear decay to zero.
    batch_size : int
    beta : float
        Of DPO: how dearly a step away from the start is paid.
    rank : int
        Of the LoRA update of every linear layer; its scale is twice the rank.
    tail : float
        Share of the last steps whose weights are averaged; the average is kept if the development questions prefer it.
    gain : bool
        Whether the run ends by fitting one number, the gain of the final norm, on the development questions.
    seed : int
    """

    name: str
    base: str = "package:gemma3-270m"
    start: str = ""
    method: str = "sft"
    full: bool = False
    mix: dict[str, float] = field(default_factory=lambda: {"choices": 1.0})
    clash_mix: dict[str, float] = field(default_factory=dict)
    limit: int | None = None
    epochs: int = 1
    learning_rate: float = 3e-4
    batch_size: int = 16
    beta: float = 0.1
    rank: int = 16
    tail: float = 0.0
    gain: bool = False
    seed: int = 0

    @property
    def style(self) -> str:
        """The style in which most questions are asked: the curve's confidence, accuracy and loss are of these."""
        return max(self.mix, key=self.mix.get)


PLM = Recipe(
    name="plm",
    mix={"choices": 0.88, "letters": 0.04, "cloze": 0.04, "p-true": 0.04},
    clash_mix={"letters": 0.15, "p-true": 0.15},
    learning_rate=2e-4,
    tail=0.3,
    gain=True,
)
# The post-training recipes see the same 1,200 questions of seed 1, at the same rate: only what their names say differs.
# All were fixed before any of them had been traced.
POST = Recipe(name="", start="plm", limit=1200, learning_rate=3e-4, seed=1)
SMOLLM2 = "package:smollm2-135m-instruct"

_ALL = (
    PLM,
    replace(POST, name="sft4", epochs=4),
    replace(POST, name="sft1"),
    replace(POST, name="dpo", method="dpo", epochs=2),
    replace(POST, name="rlvr", method="rlvr", epochs=2),
    replace(POST, name="sft1-dpo", start="sft1", method="dpo"),
    replace(POST, name="sft1-dpo-rlvr", start="sft1-dpo", method="rlvr"),
    replace(POST, name="sft1-full", full=True, learning_rate=3e-5),
    replace(POST, name="sft4-full", full=True, learning_rate=3e-5, epochs=4),
    # cloze: of three styles the one in which SmolLM2 answered most development questions rightly
    replace(POST, name="smollm2-sft4", base=SMOLLM2, start="", mix={"cloze": 1.0}, limit=400, epochs=4),
)
RECIPES = {recipe.name: recipe for recipe in _ALL}
