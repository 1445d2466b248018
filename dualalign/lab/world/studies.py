"""The worlds that are studied: what post-training does, by which recipe, beside which reference, in which world.

They were fixed by looking at accuracy and confidence alone, before any method was run on them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from .generator import RELIABILITIES, World
from .transformer import Recipe

ONCE = Recipe("sft", questions=5120, epochs=1)  # every document new: no sharpening
AGAIN = {name: Recipe(name) for name in ("sft", "dpo", "rlvr")}  # 320 documents, 16 times each
DIALS = {
    "sharpen": World(),
    "added": World(added=0.5),
    "reversed": World(reversed=0.25),
    "mixed": World(added=0.25, reversed=0.25),
}
CHANGED = (0.7, 0.5, 0.35)  # witnesses that have become worse since pre-training


@dataclass(frozen=True)
class Study:
    """One pair in one world.

    world : what holds when questions are asked, and what post-training rewards; recipe : of the PoLM;
    gain : what the PLM's logits are multiplied by, 1 where the premise holds; reliabilities : of the witnesses when
    questions are asked, where they differ from those of all training.
    """

    name: str
    dial: str
    world: World
    recipe: Recipe
    gain: float = 1.0
    reliabilities: tuple[float, ...] = RELIABILITIES

    @property
    def premise(self) -> bool:
        """True where the PLM is calibrated in this world."""
        return self.gain == 1.0 and self.reliabilities == RELIABILITIES

    @property
    def trained(self) -> str:
        """Which training the PoLM comes from; several studies may share one."""
        return "control" if self.dial == "none" else f"{self.dial}-{_recipe_name(self.recipe)}"

    @property
    def questions(self) -> str:
        """Which questions are asked; several studies may share them."""
        return "changed" if self.reliabilities == CHANGED else f"told-{self.world.added:g}"

    @property
    def asked(self) -> World:
        """The world in which questions are asked; what post-training rewarded does not matter there."""
        return replace(self.world, reversed=0.0, reliabilities=self.reliabilities)


def _recipe_name(recipe: Recipe) -> str:
    return "once" if recipe == ONCE else recipe.method


def _studies() -> list[Study]:
    found = [Study("control", "none", World(), ONCE)]
    for dial, world in DIALS.items():
        if dial in ("added", "reversed"):
            found.append(Study(f"{dial}-once", dial, world, ONCE))
        found += [Study(f"{dial}-{name}", dial, world, recipe) for name, recipe in AGAIN.items()]
    sft = AGAIN["sft"]
    found.append(Study("doubled-control", "none", World(), ONCE, gain=2.0))
    found += [Study(f"doubled-{d}-sft", d, DIALS[d], sft, gain=2.0) for d in ("sharpen", "added", "reversed")]
    found.append(Study("changed-control", "none", World(), ONCE, reliabilities=CHANGED))
    found.append(Study("changed-sharpen-sft", "sharpen", World(), sft, reliabilities=CHANGED))
    return found


STUDIES = {study.name: study for study in _studies()}
