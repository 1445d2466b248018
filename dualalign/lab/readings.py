"""From batches to tables: readings of an answer other than the first token behind the last prompt token.

A *reading* turns what a model says of a question into K numbers, one an option, whose softmax is its belief.
``offset-j`` (style ``choices``): the logits of the options' first tokens, j tokens before the prompt's end;
``mean-offsets``: their mean over all of these places. ``first``, ``sum`` and ``mean`` (both styles): the
log-probability of the first token of an option's text, of the whole text, and of that over its number of tokens.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np

from .. import drift, protocol
from ..questions import Question
from ..traces import Traces
from .continuations import Spread

if TYPE_CHECKING:
    import pandas as pd

FITTED = ("vanilla", "daca", "dual-align", "temperature-scaling")
SEEDS = range(10)
FRACTION = 0.5  # of the questions to fit on
TEXT_READINGS = ("first", "sum", "mean")
DRAWS = 200


def tables(parts: Mapping[str, dict[str, np.ndarray]], asked, plan, tokenizer) -> dict[str, pd.DataFrame]:
    """The tables of a finished run by name, from its parts by name (see `generation`)."""
    import pandas as pd

    sides = {side: _joined(parts, f"read-{side}-") for side in ("plm", "polm")}
    found = dict(place_traces(asked.questions, *(sides[side]["places"] for side in ("plm", "polm"))))
    texts = dict(text_traces(asked.questions, sides))
    pieces = _pieces(asked, plan, tokenizer)
    lengths = {style: [[len(text) for text in row] for row in rows] for style, rows in asked.texts.items()}
    return {
        "generation": pd.DataFrame(_token_rows(parts, asked, plan, tokenizer)),
        "generation_prompt": pd.DataFrame(_spread_rows(sides, asked, plan)),
        "positions": pd.DataFrame(_logit_rows(found, texts, pieces, lengths)),
        "positions_layers": pd.DataFrame(_layer_rows(found)),
        "positions_fits": fits(found, texts),
    }


def _joined(parts: Mapping[str, dict[str, np.ndarray]], prefix: str) -> dict[str, np.ndarray]:
    """Batches of one kind end to end; axes behind the first are padded with NaN."""
    batches = [parts[name] for name in sorted(parts) if name.startswith(prefix)]
    return {key: _stacked([batch[key] for batch in batches]) for key in batches[0]}


def _stacked(arrays: list[np.ndarray]) -> np.ndarray:
    shape = np.max([a.shape[1:] for a in arrays], axis=0)
    wide = [np.pad(a, [(0, 0), *((0, n - m) for n, m in zip(shape, a.shape[1:], strict=True))],
                   constant_values=np.nan) for a in arrays]  # fmt: skip
    return np.concatenate(wide)


def place_traces(questions: list[Question], plm: np.ndarray, polm: np.ndarray) -> Iterator[tuple[str, Traces]]:
    """A trace for each place, the last prompt token first, and one for the mean of their logits at each layer.

    Parameters
    ----------
    plm, polm : (N, P, L, K)
        Anything past a question's options is ignored.
    """
    for j in range(plm.shape[1]):
        yield f"offset-{j}", traces_of(questions, plm[:, j], polm[:, j])
    yield "mean-offsets", traces_of(questions, plm.mean(axis=1), polm.mean(axis=1))


def text_traces(questions: list[Question], sides: Mapping[str, dict]) -> Iterator[tuple[tuple[str, str], Traces]]:
    """A trace of one layer for each style and each of `TEXT_READINGS`, from token log-probabilities (N, K, tokens)."""
    for style in ("choices", "cloze"):
        scores = [text_scores(sides[side][style]) for side in ("plm", "polm")]
        for reading in TEXT_READINGS:
            plm, polm = (side[reading][:, None] for side in scores)
            yield (style, reading), traces_of(questions, plm, polm)


def text_scores(log_p: np.ndarray) -> dict[str, np.ndarray]:
    """Scores (N, K) of options by reading, from log-probabilities (N, K, tokens) padded with NaN."""
    total, length = np.nansum(log_p, axis=2), np.isfinite(log_p).sum(axis=2)
    return {"first": log_p[:, :, 0], "sum": total, "mean": total / np.maximum(length, 1)}


def traces_of(questions: list[Question], plm: np.ndarray, polm: np.ndarray) -> Traces:
    """A trace of logits (N, L, K) of both models."""
    n_options = np.array([len(q.options) for q in questions])
    past = np.arange(plm.shape[2]) >= n_options[:, None, None]
    return Traces(
        plm_logits=np.where(past, -np.inf, plm).astype(np.float32),
        polm_logits=np.where(past, -np.inf, polm).astype(np.float32),
        labels=np.array([-1 if q.answer is None else q.answer for q in questions]),
        n_options=n_options,
        question_ids=tuple(q.id for q in questions),
    )


def traces_from(table: pd.DataFrame, style: str, reading: str) -> Traces:
    """The trace of one layer that the table of positions holds of a reading.

    Raises
    ------
    ValueError
        If the table has no such reading.
    """
    rows = table[(table["style"] == style) & (table["reading"] == reading)]
    if rows.empty:
        known = ", ".join(f"{s} {r}" for s, r in dict.fromkeys(zip(table["style"], table["reading"], strict=True)))
        raise ValueError(f"{style} {reading}: no such reading; known are {known}")
    n_options = rows["plm"].map(len).to_numpy()
    logits = [np.full((len(rows), 1, n_options.max()), -np.inf, np.float32) for _ in range(2)]
    for wide, side in zip(logits, ("plm", "polm"), strict=True):
        for i, row in enumerate(rows[side]):
            wide[i, 0, : len(row)] = row
    return Traces(*logits, rows["label"].to_numpy(np.int64), n_options, tuple(rows["question_id"]))


def side_by_side(models: pd.DataFrame) -> pd.DataFrame:
    """`protocol.both_models` with a row a set: accuracy, confidence and ECE of either model, and the larger floor."""
    import pandas as pd

    short = {"accuracy": "acc.", "confidence": "conf.", "ece": "ECE"}
    sides = {side: models[models["model"] == side].set_index("set") for side in ("PLM", "PoLM")}
    columns = {f"{name} {side}": rows[column] for side, rows in sides.items() for column, name in short.items()}
    floor = pd.concat([rows["ece_floor"] for rows in sides.values()], axis=1).max(axis=1)
    return pd.DataFrame(columns).assign(floor=floor)


def fits(places: Mapping[str, Traces], texts: Mapping[tuple[str, str], Traces], seeds=SEEDS) -> pd.DataFrame:
    """`protocol.compare` of every reading: fitted on half of the questions, judged on the others, once a seed.

    Dual-Align reads inner layers; a text of several tokens has none at which to read it.
    """
    import pandas as pd

    kept = ["method", "seed", "n_fit", "n", "temperature", "accuracy", "confidence", "ece", "ece_floor", "nll"]
    named = {("choices", name): trace for name, trace in places.items()} | dict(texts)
    found = []
    for (style, reading), traces in named.items():
        methods = [m for m in FITTED if m != "dual-align" or reading in places]
        table = protocol.compare(traces, methods, FRACTION, seeds, DRAWS)
        found.append(table[kept].assign(style=style, reading=reading))
    return pd.concat(found, ignore_index=True)


def _logit_rows(places, texts, pieces: list[list[str]], lengths) -> Iterator[dict]:
    named = {("choices", name): trace for name, trace in places.items()} | texts
    for (style, reading), traces in named.items():
        for i, question in enumerate(traces.question_ids):
            k = traces.n_options[i]
            yield {
                "style": style,
                "reading": reading,
                "question_id": question,
                "label": traces.labels[i],
                "piece": pieces[i][int(reading.removeprefix("offset-"))] if reading.startswith("offset-") else "",
                "length": lengths[style][i] if (style, reading) in texts else [1] * k,
                "plm": traces.plm_final[i, :k],
                "polm": traces.polm_final[i, :k],
            }


def _layer_rows(places: Mapping[str, Traces]) -> Iterator[dict]:
    """Mean divergence in nats by place and layer: of all questions, and by the models' agreement at that place."""
    for reading, traces in places.items():
        divergence, agree = drift.layer_divergence(traces), drift.agreement(traces)
        for regime, rows in (("all", agree | True), ("agree", agree), ("disagree", ~agree)):
            for layer in range(divergence.shape[1] if rows.any() else 0):
                mean = divergence[rows, layer].mean()
                where = {"reading": reading, "layer": layer + 1, "regime": regime, "n": int(rows.sum())}
                yield where | {"divergence": float(mean)}


def _pieces(asked, plan, tokenizer) -> list[list[str]]:
    """The last tokens of each prompt, the last one first."""
    ends = (prompt[-plan.places :][::-1] for prompt in asked.prompts["choices"])
    return [tokenizer.convert_ids_to_tokens(end) for end in ends]


def _spread_rows(sides: Mapping[str, dict], asked, plan) -> Iterator[dict]:
    """Both models' distributions behind the last prompt token, exactly: the PLM at 1, the PoLM at every temperature."""
    for side, name, temperatures in (("plm", "PLM", [("none", 1.0)]), ("polm", "PoLM", plan.asked)):
        for question, row in zip(asked.questions, sides[side]["spread"], strict=True):
            for (chosen_by, temperature), values in zip(temperatures, row, strict=True):
                where = {"model": name, "chosen_by": chosen_by, "temperature": temperature, "question_id": question.id}
                found = Spread(*values)
                yield (
                    where
                    | found._asdict()
                    | {
                        "nucleus": int(found.nucleus),
                        "option_first": bool(found.option_first),
                    }
                )


def _token_rows(parts: Mapping[str, dict[str, np.ndarray]], asked, plan, tokenizer) -> Iterator[dict]:
    """One row a sampled token; figures rounded to what their noise deserves."""
    for chosen_by, temperature in plan.temperatures.items():
        for top_p in plan.top_p:
            said, scored = parts[f"sample-{chosen_by}-{top_p}"], parts[f"score-{chosen_by}-{top_p}"]["log_p"]
            for i, sample, step in np.argwhere(said["token"] >= 0):
                token = int(said["token"][i, sample, step])
                yield {
                    "chosen_by": chosen_by,
                    "temperature": temperature,
                    "top_p": top_p,
                    "question_id": asked.questions[i].id,
                    "sample": np.int8(sample),
                    "step": np.int8(step),
                    "piece": tokenizer.convert_ids_to_tokens(token),
                    "entropy": _rounded(said["entropy"][i, sample, step]),
                    "sampled_entropy": _rounded(said["sampled_entropy"][i, sample, step]),
                    "nucleus": np.int32(said["nucleus"][i, sample, step]),
                    "logp_polm": _rounded(said["log_p"][i, sample, step]),
                    "logp_plm": _rounded(scored[i, sample, step]),
                    "option": np.int8(_option(token, asked.options[i]) if step == 0 else -1),
                }


def _option(token: int, options: list[int]) -> int:
    return options.index(token) if token in options else -1


def _rounded(value: float) -> np.float32:
    return np.float32(round(float(value), 3))
