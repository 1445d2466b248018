"""The lab's commands: ``python -m dualalign.lab train plm``, ``train sft4``, ``trace``, ``samples``, ``fingerprints``.

Each is resumable and remakes one step of the book's data. Run them from the project's root.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from ..questions import OptionClash, encode_question, load, save_file
from . import catalogue, pool
from .recipes import RECIPES, Recipe
from .weights import finished, remove

FINGERPRINTS = Path("data/questions/fingerprints.parquet")
app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)
Mirror = Annotated[str | None, typer.Option(help="Folder of question files, for machines without a hub.")]


@app.command()
def train(name: str, mirror: Mirror = None, force: bool = False) -> None:
    """Train one recipe and write its adapter to data/adapters/NAME; a killed run goes on where it stopped."""
    from ..models import load_model
    from . import train as loop

    recipe = _recipe(name)
    out = catalogue.ADAPTERS / name
    if force:
        remove(out)
    if finished(out):
        raise ValueError(f"{out}: exists; remove it, or give --force, to train it anew")
    start = catalogue.ADAPTERS / recipe.start if recipe.start else None
    if start and not finished(start):
        raise ValueError(f"{start}: missing; run: python -m dualalign.lab train {recipe.start}")
    base = load_model(recipe.base)
    examples, dev = examples_of(recipe, base.tokenizer, mirror)
    if recipe.full:
        base.tokenizer.save_pretrained(out)
    print(loop.train(base.model.requires_grad_(True), examples, recipe, out, dev, start))


def examples_of(recipe: Recipe, tokenizer, mirror=None):
    """Training and development examples of a recipe; development questions are school and common-sense ones."""
    training, held = pool.split_dev(pool.training_pool(mirror))
    examples = pool.mixed_examples(tokenizer, training, recipe.mix, recipe.clash_mix, recipe.seed)
    dev = pool.mixed_examples(tokenizer, held, {"choices": 1.0}, {}, 0)
    return examples[: recipe.limit], [e for e in dev if not e.id.startswith(("boolq", "siqa"))][:300]


@app.command()
def trace(names: Annotated[list[str] | None, typer.Argument()] = None, mirror: Mirror = None) -> None:
    """Trace what is not there yet: the whole catalogue, a pair, or the traces named."""
    from . import tracing

    wanted = [e for name in names or catalogue.PAIRS for e in _entries(name) if not e.path.exists()]
    for pair in dict.fromkeys(e.pair for e in wanted):
        models = tracing.Models(catalogue.PAIRS[pair])
        for entry in (e for e in wanted if e.pair == pair):
            print(tracing.trace(entry, models, mirror), flush=True)


@app.command()
def samples(mirror: Mirror = None, n: int = 200) -> None:
    """Write the questions of the live chapter: the first N of ARC-Easy test that the style ``choices`` can read."""
    from ..models import load_model

    tokenizer = load_model(catalogue.BASE).tokenizer
    readable = [q for q in load("arc-easy/test", mirror) if _readable(tokenizer, q)]
    print(save_file(readable[:n], Path("data/questions/arc-easy.jsonl")))


@app.command()
def fingerprints(mirror: Mirror = None) -> None:
    """Write a fingerprint of every training and evaluation question: the proof that they never meet."""
    pool.fingerprints(mirror).to_parquet(FINGERPRINTS, index=False, compression="zstd")
    print(FINGERPRINTS)


def _readable(tokenizer, question) -> bool:
    try:
        encode_question(tokenizer, question, "choices")
    except OptionClash:
        return False
    return True


def _recipe(name: str) -> Recipe:
    if name not in RECIPES:
        raise ValueError(f"{name}: no such recipe; known are {', '.join(RECIPES)}")
    return RECIPES[name]


def _entries(name: str) -> list[catalogue.Entry]:
    """One trace by its name, or all of a pair."""
    if name in catalogue.PAIRS:
        return [e for e in catalogue.CATALOGUE.values() if e.pair == name]
    if name not in catalogue.CATALOGUE:
        known = f"the pairs {', '.join(catalogue.PAIRS)}, and the traces listed in data/README.md"
        raise ValueError(f"{name}: no such pair or trace; known are {known}")
    return [catalogue.CATALOGUE[name]]


def main() -> None:
    """Run the lab; bad input is one line on stderr and exit code 2."""
    try:
        app()
    except ValueError as e:
        print(f"dualalign.lab: {e}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
