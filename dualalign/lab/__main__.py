"""The lab's commands: ``python -m dualalign.lab train plm``, ``trace``, ``check``, ``world``,
``tiny-pair``, ``generation``, ``lenses``, ``samples``, ``fingerprints``.

Each is resumable and remakes one step of the book's data. Run them from the project's root.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from ..questions import load, save_file
from . import catalogue, pool, runs
from .generation import generation
from .lenses import lenses
from .world.command import tiny_pair, world

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)
app.command()(world)
app.command()(tiny_pair)
app.command()(generation)
app.command()(lenses)
Mirror = Annotated[str | None, typer.Option(help="Folder of question files, for machines without a hub.")]


@app.command()
def train(
    name: str,
    questions: Annotated[Path | None, typer.Option(help="Train on this question file; writes NAME-FILE.")] = None,
    mirror: Mirror = None,
    force: bool = False,
) -> None:
    """Train one recipe and write its weights to data/adapters/NAME; a killed run goes on where it stopped."""
    print(runs.run(name, mirror, questions, force))


@app.command()
def check(
    pairs: Annotated[list[str] | None, typer.Argument()] = None,
    remake: Annotated[bool, typer.Option(help="First train what is missing.")] = False,
    n: Annotated[int, typer.Option(min=1, help="Questions of each trace.")] = 200,
    mirror: Mirror = None,
) -> None:
    """Compare the shipped traces of pairs with what their models say now; by default of all that are not shipped."""
    from . import check as checking

    changes = []
    for pair in pairs or checking.remade_pairs():
        if remake:
            checking.remake(pair, mirror)
        changes += checking.check(pair, n, mirror)
    checking.verdict(changes)
    print(f"{len(changes)} comparisons, all within tolerance")


@app.command()
def trace(names: Annotated[list[str] | None, typer.Argument()] = None, mirror: Mirror = None) -> None:
    """Trace what is not there yet: the whole catalogue, a pair, or the traces named."""
    from . import tracing

    wanted = [e for name in names or catalogue.PAIRS for e in _entries(name) if not e.path.exists()]
    for pair in dict.fromkeys(e.pair for e in wanted):
        runs.need(*catalogue.PAIRS[pair].sides)
        models = tracing.Models(catalogue.PAIRS[pair])
        for entry in (e for e in wanted if e.pair == pair):
            print(tracing.trace(entry, models, mirror), flush=True)


@app.command()
def samples(mirror: Mirror = None, n: int = 200) -> None:
    """Write the questions of the live chapter, the first N of ARC-Easy that are readable, and those without content."""
    from ..models import load_model

    tokenizer = load_model(catalogue.BASE).tokenizer
    readable = [q for q in load("arc-easy/test", mirror) if pool.reads_choices(tokenizer, q)]
    print(save_file(readable[:n], Path("data/questions/arc-easy.jsonl")))
    print(save_file(catalogue.content_free(), Path(catalogue.CONTENT_FREE)))


@app.command()
def fingerprints(mirror: Mirror = None) -> None:
    """Write a fingerprint of every training and evaluation question: the proof that they never meet."""
    pool.fingerprints(mirror).to_parquet(pool.FINGERPRINTS, index=False, compression="zstd")
    print(pool.FINGERPRINTS)


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
