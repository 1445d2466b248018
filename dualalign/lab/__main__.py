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
    if out.exists() and not force:
        raise ValueError(f"{out}: exists; remove it, or give --force, to train it anew")
    start = catalogue.ADAPTERS / recipe.start if recipe.start else None
    if start and not start.exists():
        raise ValueError(f"{start}: missing; run: python -m dualalign.lab train {recipe.start}")
    base = load_model(catalogue.BASE)
    examples, dev = examples_of(recipe, base.tokenizer, mirror)
    print(loop.train(base.model.requires_grad_(True), examples, recipe, out, dev, start))


def examples_of(recipe: Recipe, tokenizer, mirror=None):
    """Training and development examples of a recipe; development questions are school and common-sense ones."""
    training, held = pool.split_dev(pool.training_pool(mirror))
    examples = pool.mixed_examples(tokenizer, training, recipe.mix, recipe.clash_mix, recipe.seed)
    dev = pool.mixed_examples(tokenizer, held, {"choices": 1.0}, {}, 0)
    return examples[: recipe.limit], [e for e in dev if not e.id.startswith(("boolq", "siqa"))][:300]


@app.command()
def trace(names: Annotated[list[str] | None, typer.Argument()] = None, mirror: Mirror = None) -> None:
    """Trace the sets of the catalogue (all, or those named) that are not there yet."""
    from ..models import load_model
    from ..traces.collect import collect

    entries = [_entry(name) for name in names or catalogue.CATALOGUE]
    entries = [e for e in entries if not e.path.exists()]
    if not entries:
        return
    plm = load_model(catalogue.BASE, catalogue.ADAPTERS / "plm", label="plm")
    polm = load_model(catalogue.BASE, catalogue.ADAPTERS / entries[0].pair, label=entries[0].pair)
    for entry in entries:
        questions = entry.select(mirror)
        print(entry.path, len(questions), "questions", flush=True)
        collect(plm, polm, questions, entry.style, entry.path, on_clash="skip", set_name=entry.questions)


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


def _entry(name: str) -> catalogue.Entry:
    if name not in catalogue.CATALOGUE:
        raise ValueError(f"{name}: no such trace; known are {', '.join(catalogue.CATALOGUE)}")
    return catalogue.CATALOGUE[name]


def main() -> None:
    """Run the lab; bad input is one line on stderr and exit code 2."""
    try:
        app()
    except ValueError as e:
        print(f"dualalign.lab: {e}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
