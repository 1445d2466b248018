"""``python -m dualalign.lab world``: train every seed of the controlled world and write the book's tables of it."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from ...traces.artifact import write_whole
from . import run as runs
from . import table
from .studies import STUDIES
from .transformer import Pretraining

RESULTS = Path("data/results")
SEED_0 = "world_seed0.safetensors"
TABLES = ("seeds", "pairs", "layers", "methods")


def world(
    seeds: Annotated[int, typer.Option(help="How many seeds, counted from 0.")] = 20,
    out: Annotated[Path, typer.Option(help="Folder of the tables.")] = RESULTS,
) -> None:
    """Remake the controlled world: a file a seed, then four tables and the run of seed 0. Resumes when killed."""
    if seeds < 1:
        raise ValueError(f"--seeds is {seeds}; give at least 1")
    part = out / "world.part"
    part.mkdir(parents=True, exist_ok=True)
    _claim(part)
    for seed in range(seeds):
        if not _file(part, seed).exists():
            print(_line(_one(seed, part)), flush=True)
    _assemble([json.loads(_file(part, seed).read_text()) for seed in range(seeds)], out)
    if (part / SEED_0).exists():  # not where only the folder was left to remove
        (part / SEED_0).replace(out / SEED_0)
    shutil.rmtree(part)
    print(f"{out}: {', '.join(f'world_{name}.parquet' for name in TABLES)}, {SEED_0}")


def tiny_pair(out: Annotated[Path, typer.Option(help="Folder of the pair.")] = Path("data/pair")) -> None:
    """Train a pair of the controlled world, and write its weights, tokenizer, questions and trace: half a minute."""
    from .pair import write_pair

    print(write_pair(out))


def _file(part: Path, seed: int) -> Path:
    return part / f"seed-{seed:03d}.json"


def _one(seed: int, part: Path) -> dict:
    """Train one seed and keep its rows; the file of rows comes last, so that it means done."""
    run = runs.simulate(seed)
    if seed == 0:
        run.save(part / SEED_0)
    rows = table.rows_of(run)
    write_whole(_file(part, seed), json.dumps(rows).encode())
    return rows


def _line(rows: dict) -> str:
    row = rows["seeds"][0]
    return (
        f"seed {row['seed']}: PLM within {row['error']:.4f} of the exact posterior, "
        f"{len(rows['pairs'])} pairs, {row['seconds']:.0f} s of processor time"
    )


def _claim(part: Path) -> None:
    """Refuse a folder of seeds that were made with other settings."""
    made_by = {"pretraining": asdict(Pretraining()), "studies": [asdict(s) for s in STUDIES.values()]}
    settings = json.dumps(made_by | {"questions": runs.QUESTIONS})
    manifest = part / "settings.json"
    if not manifest.exists():
        write_whole(manifest, settings.encode())
    elif manifest.read_text() != settings:
        raise ValueError(f"{part}: holds seeds of other settings; remove the folder to start over")


def _assemble(found: list[dict], out: Path) -> None:
    import pandas as pd

    for name in TABLES:
        rows = pd.DataFrame([row for seed in found for row in seed[name]])
        target = out / f"world_{name}.parquet"
        sibling = target.with_name(f".{target.name}.tmp")
        rows.to_parquet(sibling, index=False, compression="zstd")
        sibling.replace(target)
