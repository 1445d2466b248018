"""One run of the lab from its name: questions, base and start are found and checked, then trained."""

from __future__ import annotations

from pathlib import Path

from ..models.spec import check_base
from ..questions import Question
from . import catalogue, pool
from .recipes import RECIPES, Recipe
from .weights import finished, pickles, remove


def recipe_of(name: str) -> Recipe:
    """A recipe by its name; ValueError, one line, where there is none."""
    if name not in RECIPES:
        raise ValueError(f"{name}: no such recipe; known are {', '.join(RECIPES)}")
    return RECIPES[name]


def chain(name: str) -> list[str]:
    """The recipes that a recipe goes on from, first to last, and itself."""
    start = recipe_of(name).start
    return [*(chain(start) if start else []), name]


def missing(*names: str) -> list[str]:
    """The recipes among these names, and those that they go on from, without weights here: in the order of training."""
    needed = dict.fromkeys(link for name in names if name in RECIPES for link in chain(name))
    return [link for link in needed if not finished(catalogue.ADAPTERS / link)]


def need(*names: str) -> None:
    """Check that the weights of recipes are here; names that are no recipe need none.

    Raises
    ------
    ValueError
        One line: no weights or pickled ones only, and the commands that make them.
    """
    for name in missing(*names):
        if name in names:
            folder = catalogue.ADAPTERS / name
            found = pickles(folder)
            reason = f"{found[0]}: pickled, which can run code when read" if found else f"{folder}: no weights"
            commands = " && ".join(f"python -m dualalign.lab train {link}" for link in missing(name))
            raise ValueError(f"{reason}; run: {commands}")


def run(name: str, mirror=None, own: Path | None = None, force: bool = False) -> Path:
    """Train one recipe and write its weights to ``data/adapters/<name>``.

    Parameters
    ----------
    name : str
    mirror : path, optional
        Folder of question files, for machines without a hub.
    own : path, optional
        A question file to train on instead of the pool; the weights then go to ``data/adapters/<name>-<file's stem>``.
    force : bool
        Train anew what is finished; the old weights go once everything else has been checked.

    Returns
    -------
    Path
        The folder of the weights.

    Raises
    ------
    ValueError
        One line: no such recipe, finished weights, a start that is missing or made for another base, questions that
        evaluate.
    """
    recipe = recipe_of(name)
    out = catalogue.ADAPTERS / (f"{name}-{Path(own).stem}" if own else name)
    if finished(out) and not force:
        raise ValueError(f"{out}: exists; remove it, or give --force, to train it anew")
    start = catalogue.ADAPTERS / recipe.start if recipe.start else None
    if start:
        need(recipe.start)
        check_base(start, recipe.base)
    questions = pool.own_pool(own) if own else None
    return _train(recipe, out, start, mirror, questions, force)


def _train(recipe: Recipe, out: Path, start: Path | None, mirror, questions: list[Question] | None, force: bool):
    from ..models import load_model
    from . import train as loop

    base = load_model(recipe.base)
    examples, dev = examples_of(recipe, base.tokenizer, mirror, questions)
    if not examples:
        raise ValueError(f"questions: none of {len(questions or [])} can be read in the styles {', '.join(recipe.mix)}")
    if force:
        remove(out)
    if recipe.full:
        base.tokenizer.save_pretrained(out)
    return loop.train(base.model.requires_grad_(True), examples, recipe, out, dev, start)


def examples_of(recipe: Recipe, tokenizer, mirror=None, own: list[Question] | None = None):
    """Training and development examples of a recipe; development questions are the pool's school and common-sense ones.

    Questions of one's own take the place of the pool's; those among them that would develop do not.
    """
    training, held = pool.split_dev(pool.training_pool(mirror)) if own is None or recipe.tail else ([], [])
    if own is not None:
        met = set(pool.overlap(held, own))
        training, held = own, [q for q in held if q.id not in met]
    examples = pool.mixed_examples(tokenizer, training, recipe.mix, recipe.clash_mix, recipe.seed)
    dev = pool.mixed_examples(tokenizer, held, {"choices": 1.0}, {}, 0)
    return examples[: recipe.limit], [e for e in dev if not e.id.startswith(("boolq", "siqa"))][:300]
