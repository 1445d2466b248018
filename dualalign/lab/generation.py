"""``python -m dualalign.lab generation``: what the models say beyond the last prompt token, as small tables.

One pass over the questions reads both models at the last tokens of each prompt and scores every option's whole text;
then the PoLM continues some prompts at several temperatures, and the PLM scores what it said. Each batch is kept when
it is finished, so that a killed run goes on where it stopped.
"""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer

from ..calibrators import METHODS
from ..questions import Question, encode_question, load_file, render, targets
from ..traces import Traces
from ..traces.artifact import write_whole
from ..traces.collect import created_by
from . import catalogue, readings

if TYPE_CHECKING:
    import pandas as pd

RESULTS = Path("data/results")
QUESTIONS = Path("data/questions/arc-easy.jsonl")
ENTRY = "sft4__arc-easy__choices"  # the shipped trace whose temperatures are tried
CALIBRATED = ("temperature-scaling", "dual-align")
SIDES = ("plm", "polm")


@dataclass(frozen=True)
class Plan:
    """What is asked and sampled.

    Parameters
    ----------
    temperatures : dict of float
        To sample at, by what chose them.
    grid : tuple of float
        Further temperatures for the exact figures at the last prompt token.
    top_p : tuple of float
    prompts, samples, tokens : int
        How many prompts are continued, how often each, and how far.
    places : int
        The last so many tokens of a prompt are read.
    batch : int
        Questions computed together.
    seed : int
    """

    temperatures: dict[str, float]
    grid: tuple[float, ...] = (1.5, 2.0, 3.0, 8.0)
    top_p: tuple[float, ...] = (1.0, 0.9)
    prompts: int = 50
    samples: int = 2
    tokens: int = 24
    places: int = 8
    batch: int = 10
    seed: int = 0

    @property
    def asked(self) -> list[tuple[str, float]]:
        """Every temperature of the exact figures, with what chose it, from the lowest to the highest."""
        chosen = [*self.temperatures.items(), *(("grid", t) for t in self.grid)]
        return sorted(chosen, key=lambda pair: pair[1])


@dataclass(frozen=True)
class Asked:
    """Questions in the tokens of the two models, in the styles ``choices`` and ``cloze``."""

    questions: list[Question]
    prompts: dict[str, list[list[int]]] = field(repr=False)
    options: list[list[int]] = field(repr=False)
    texts: dict[str, list[list[list[int]]]] = field(repr=False)


def generation(
    out: Annotated[Path, typer.Option(help="Folder of the tables.")] = RESULTS,
    questions: Annotated[Path, typer.Option(help="Question file.")] = QUESTIONS,
) -> None:
    """Sample from the PoLM at calibrated temperatures, and read both models at other places. Resumes when killed."""
    entry = catalogue.CATALOGUE[ENTRY]
    plan = Plan({"none": 1.0} | calibrated(Traces.load(entry.path)))
    print(make(catalogue.PAIRS[entry.pair].specs(), load_file(questions), plan, out))


def calibrated(traces: Traces) -> dict[str, float]:
    """The temperatures that the methods find on a trace."""
    return {name: METHODS[name]().fit(traces).temperature_ for name in CALIBRATED}


def make(specs: Sequence, questions: list[Question], plan: Plan, out: Path) -> str:
    """Compute what is missing, write the tables to ``out`` and return a line that names them.

    Parameters
    ----------
    specs : ModelSpec of the PLM and of the PoLM, which read the same tokens
    """
    tokenizer = specs[1].tokenizer()
    asked = encode(tokenizer, questions)
    part = out / "generation.part"
    part.mkdir(parents=True, exist_ok=True)
    _claim(part, specs, asked, plan)
    jobs = dict(_jobs(asked, plan))
    loaded: dict[str, object] = {}
    for name, (side, job) in jobs.items():
        if not _file(part, name).exists():
            loaded = loaded if side in loaded else {side: specs[SIDES.index(side)].load()}  # one model at a time
            _keep(_file(part, name), job(loaded[side], part))
            print(name, flush=True)
    tables = readings.tables({name: _read(_file(part, name)) for name in jobs}, asked, plan, tokenizer)
    tables["generation_prompt"]["vocabulary"] = specs[1].config().get_text_config().vocab_size
    for name, table in tables.items():
        _write(out / f"{name}.parquet", table)
    shutil.rmtree(part)
    return f"{out}: {', '.join(f'{name}.parquet' for name in tables)}"


def encode(tokenizer, questions: list[Question]) -> Asked:
    """Tokenise prompts, option tokens and the options' whole texts.

    Raises
    ------
    ValueError
        Names the question whose options cannot be told apart, or merge with the prompt.
    """
    both = {s: [encode_question(tokenizer, q, s) for q in questions] for s in ("choices", "cloze")}
    prompts = {style: [prompt for prompt, _ in rows] for style, rows in both.items()}
    texts = {
        style: [
            [_behind(tokenizer, render(q, style) + text, prompt) for text in targets(q, style)]
            for q, prompt in zip(questions, prompts[style], strict=True)
        ]
        for style in prompts
    }
    return Asked(questions, prompts, [options for _, options in both["choices"]], texts)


def _behind(tokenizer, text: str, prompt: list[int]) -> list[int]:
    """The tokens of a text behind its prompt, without an end that the tokenizer may add."""
    ids = list(tokenizer(text, verbose=False)["input_ids"])
    end = len(ids) - (ids[-1] == tokenizer.eos_token_id)
    return ids[len(prompt) : end]


Job = tuple[str, Callable[..., dict[str, np.ndarray]]]


def _jobs(asked: Asked, plan: Plan) -> Iterator[tuple[str, Job]]:
    """Everything to compute, by the name of its file: which model, and a function of it and of the folder.

    The PoLM comes first: the PLM scores what it said.
    """
    for side in reversed(SIDES):
        for first in range(0, len(asked.questions), plan.batch):
            rows = slice(first, first + plan.batch)
            temperatures = [t for _, t in plan.asked] if side == "polm" else [1.0]
            yield f"read-{side}-{first:04d}", (side, _bind(_read_batch, asked, plan, rows, temperatures))
        for chosen_by, temperature in plan.temperatures.items():
            for top_p in plan.top_p:
                name = f"{chosen_by}-{top_p}"
                if side == "polm":
                    yield f"sample-{name}", (side, _bind(_sample, asked, plan, temperature, top_p))
                else:
                    yield f"score-{name}", (side, _bind(_score, asked, plan, f"sample-{name}"))


def _bind(job: Callable, *given) -> Callable:
    return lambda loaded, part: job(loaded, part, *given)


def _read_batch(loaded, part: Path, asked: Asked, plan: Plan, rows: slice, temperatures) -> dict[str, np.ndarray]:
    from . import decoding
    from .continuations import spread

    prompts, options, texts = asked.prompts["choices"][rows], asked.options[rows], asked.texts["choices"][rows]
    found = decoding.read(loaded, prompts, options, texts, plan.places)
    cloze = decoding.score_texts(loaded, asked.prompts["cloze"][rows], asked.texts["cloze"][rows])
    wide = [[spread(z, ids, t) for t in temperatures] for z, ids in zip(found.vocabulary, options, strict=True)]
    scores = {"choices": _padded(found.texts), "cloze": _padded(cloze)}
    return {"places": found.places, "spread": np.array(wide, np.float64)} | scores


def _padded(texts: list[list[np.ndarray]]) -> np.ndarray:
    """Token log-probabilities of options as one array (B, K, tokens), NaN past each text and the options."""
    k, width = max(map(len, texts)), max(len(text) for row in texts for text in row)
    out = np.full((len(texts), k, width), np.nan)
    for i, row in enumerate(texts):
        for j, text in enumerate(row):
            out[i, j, : len(text)] = text
    return out


def _sample(loaded, part: Path, asked: Asked, plan: Plan, temperature: float, top_p: float) -> dict[str, np.ndarray]:
    """The numbers drawn are the same in every way of sampling, which makes differences between them less noisy."""
    from . import decoding

    prompts = asked.prompts["choices"][: plan.prompts]
    shape = (len(prompts), plan.samples, plan.tokens)
    return decoding.sample(loaded, prompts, temperature, top_p, np.random.default_rng(plan.seed).random(shape))


def _score(loaded, part: Path, asked: Asked, plan: Plan, sampled: str) -> dict[str, np.ndarray]:
    from . import decoding

    tokens = _read(_file(part, sampled))["token"]
    out = np.full(tokens.shape, np.nan)
    for first in range(0, len(tokens), plan.batch):
        rows = tokens[first : first + plan.batch]
        texts = [[[t for t in text if t >= 0] for text in row] for row in rows.tolist()]
        prompts = asked.prompts["choices"][first : first + len(rows)]
        scored = _padded(decoding.score_texts(loaded, prompts, texts))
        out[first : first + len(rows), :, : scored.shape[2]] = scored
    return {"log_p": out}


def _file(part: Path, name: str) -> Path:
    return part / f"{name}.npz"


def _keep(path: Path, arrays: dict[str, np.ndarray]) -> None:
    content = io.BytesIO()
    np.savez(content, **arrays)
    write_whole(path, content.getvalue())


def _read(path: Path) -> dict[str, np.ndarray]:
    with np.load(path, allow_pickle=False) as stored:
        return dict(stored)


def _write(path: Path, table: pd.DataFrame) -> None:
    content = io.BytesIO()
    table.to_parquet(content, index=False, compression="zstd", compression_level=19)
    write_whole(path, content.getvalue())


def _claim(part: Path, specs: Sequence, asked: Asked, plan: Plan) -> None:
    """Refuse a folder of batches that were made with other settings."""
    made_by = {"plan": asdict(plan), "models": [spec.fingerprint() for spec in specs], "packages": created_by()}
    settings = json.dumps(made_by | {"questions": [q.id for q in asked.questions], "prompts": asked.prompts})
    manifest = part / "settings.json"
    if not manifest.exists():
        write_whole(manifest, settings.encode())
    elif manifest.read_text("utf-8") != settings:
        raise ValueError(f"{part}: holds batches of other settings; remove the folder to start over")
