"""lm-evaluation-harness, ``--log_samples``: ``samples_TASK_DATE.jsonl`` of multiple-choice tasks.

Read from each row: ``doc_id``, ``doc_hash``, ``arguments`` (context and continuation of each option), ``target``, and
``filtered_resps`` (else ``resps``): the sum of the log-probabilities of the continuation's tokens, one an option.

A sum over one token is that token's logit up to a constant of the question, which no softmax over the options sees: on
single-token options the trace equals the last layer of ``dualalign trace``. The harness's normalised variants are
scores too, and a temperature fitted on one of them belongs to that one alone:

=========  ================================================================  ==================
score      what the softmax runs over                                        metric it explains
=========  ================================================================  ==================
sum        log p(option | context)                                           acc
per-char   the same divided by the option's characters                       acc_norm
per-byte   the same divided by the option's UTF-8 bytes                      acc_bytes
pmi        log p(option | context) - log p(option), needs acc_mutual_info    acc_mutual_info
=========  ================================================================  ==================
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from ...bounded import json_value, regular_file
from ..artifact import Traces
from .pair import Answer, Run, digest, join, named, one_of
from .reading import jsonl, kind, listed, mapping, name, number, text

SCORES = {
    "sum": "sum of log-probabilities over the tokens of an option",
    "per-char": "sum of log-probabilities over the tokens of an option, divided by its characters",
    "per-byte": "sum of log-probabilities over the tokens of an option, divided by its bytes",
    "pmi": "log-probability of an option after the question less that without the question",
}
_LENGTHS: dict[str, Callable[[str], int]] = {"per-char": len, "per-byte": lambda option: len(option.encode())}
_FILE = re.compile(r"samples_(?P<task>.+)_(?P<date>\d{4}-\d\d-\d\dT[-\d.:]+)\.jsonl")
_UNKNOWN = ("", "None", "-1", "-100")  # how the harness writes a target that nobody knows


def from_lm_eval(
    plm: str | Path,
    polm: str | Path,
    score: str = "sum",
    *,
    prompts: str = "same",
    unmatched: str = "error",
    labels: bool = True,
    plm_name: str | None = None,
    polm_name: str | None = None,
) -> Traces:
    """Import two runs of the same tasks.

    Parameters
    ----------
    plm, polm : a samples file, or the folder of a run: then every task in it, a group each, the newest file of each
    score : "sum" (what acc compares), "per-char" (acc_norm), "per-byte" (acc_bytes) or "pmi" (acc_mutual_info)
    prompts : "any" where one model was asked with ``--apply_chat_template``; documents must agree in any case
    unmatched : "drop" to leave out questions that only one run has
    labels : False to leave the targets out
    plm_name, polm_name : names for the metadata; by default what ``results_*.json`` beside the samples says

    Returns
    -------
    Traces
        One layer, the last.

    Raises
    ------
    ValueError
        One line that names file and row.

    Examples
    --------
    >>> import json
    >>> from pathlib import Path
    >>> from dualalign.traces.imports import from_lm_eval
    >>> asked = {"doc_id": 7, "target": "0", "arguments": [["Is ice cold?", " yes"], ["Is ice cold?", " no"]]}
    >>> for name, scores in {"base": [-0.5, -1.0], "chat": [-0.1, -2.5]}.items():
    ...     row = asked | {"filtered_resps": [[score, False] for score in scores]}
    ...     _ = Path(f"{name}.jsonl").write_text(json.dumps(row))
    >>> traces = from_lm_eval("base.jsonl", "chat.jsonl")
    >>> traces.polm_final.tolist(), traces.labels.tolist()
    ([[-0.10000000149011612, -2.5]], [0])
    """
    one_of("--score", score, SCORES, "lm-eval")
    files = [sample_files(path) for path in (plm, polm)]
    runs = [_run(found, score, labels, given) for found, given in zip(files, (plm_name, polm_name), strict=True)]
    tasks = [{_task(path) or path.stem for path in found} for found in files]
    both = ", ".join(sorted(tasks[0] & tasks[1] or tasks[0]))  # what one run has alone is in no trace
    metadata = {
        "questions": f"lm-evaluation-harness: {both}",
        "prompt": f"lm-evaluation-harness: {both}",
        "scores": SCORES[score],
        "imported": f"lm-eval: {' / '.join(', '.join(path.name for path in found) for found in files)}",
    }
    return join(*runs, metadata, prompts, unmatched, labels)


def sample_files(path: str | Path) -> list[Path]:
    """Return the samples file, or those of a run's folder: the newest of each task."""
    path = Path(path)
    if not path.is_dir():
        return [regular_file(path, "a samples_*.jsonl of lm_eval --log_samples, or the folder it is in")]
    found = sorted(path.glob("samples_*.jsonl")) or sorted(path.glob("*/samples_*.jsonl"))
    if len({file.parent for file in found}) > 1:
        raise ValueError(f"{path}: holds the runs of several models; give the folder of one of them")
    newest = {_task(file) or file.name: file for file in found}  # sorted by date within a task
    if not newest:
        raise ValueError(f"{path}: holds no samples_*.jsonl; run lm_eval with --log_samples")
    return [regular_file(file, "a samples_*.jsonl of lm_eval --log_samples") for file in newest.values()]


def _task(path: Path) -> str:
    found = _FILE.fullmatch(path.name)
    return found["task"] if found else ""


def _run(files: list[Path], score: str, labels: bool, given: str | None) -> Run:
    run = Run(named(files[0], given, _model_name(files[0])), str(files[0]))
    for path in files:
        task = _task(path)
        for where, row in jsonl(path):
            run.add(_answer(row, where, task, task if len(files) > 1 else "", score, labels))
    if not run.answers:
        raise ValueError(f"{files[0]}: holds no row; run lm_eval with --log_samples")
    return run


def _answer(row: dict, where: str, task: str, group: str, score: str, labels: bool) -> Answer:
    arguments = [_argument(one, where) for one in _values(row.get("arguments"), where)]
    sums = [_loglikelihood(one, where, i) for i, one in enumerate(_responses(row, where))]
    if len(sums) != len(arguments):
        raise ValueError(f"{where}: {len(sums)} results for {len(arguments)} options; is the file whole?")
    n = _conditional(arguments)
    options = tuple(continuation for _, continuation in arguments[:n])
    if n > 1 and len(set(options)) == 1:  # the options stand in the contexts (winogrande)
        if score in _LENGTHS:
            raise ValueError(f"{where}: the options stand in the contexts, of unknown length; use the score sum")
        options = tuple(context for context, _ in arguments[:n])
    doc_id = name(row.get("doc_id"), where, "doc_id")
    return Answer(
        id=f"{task}/{doc_id}" if task else doc_id,
        options=options,
        scores=tuple(_scored(score, sums, n, options, where)),
        where=where,
        label=_label(row, options, sums[:n], where) if labels else -1,
        group=group,
        prompt=digest(part for argument in arguments[:n] for part in argument),
        document=text(row.get("doc_hash", ""), where, "doc_hash"),
    )


def _values(found: object, where: str) -> list:
    """``arguments``: an object of gen_args_0, gen_args_1, ... of arg_0, arg_1; lists in files before version 0.4.3."""
    if isinstance(found, dict):
        return [found.get(f"gen_args_{i}") for i in range(len(found))]
    return listed(found, where, "arguments")


def _argument(found: object, where: str) -> tuple[str, str]:
    pair = (
        [found.get("arg_0"), found.get("arg_1")] if isinstance(found, dict) else listed(found, where, "arguments")[:2]
    )
    if len(pair) != 2 or not isinstance(pair[1], str):
        raise ValueError(f"{where}: arguments hold no continuation to score; is it a multiple_choice task?")
    return text(pair[0], where, "context"), text(pair[1], where, "continuation")


def _responses(row: dict, where: str) -> list:
    if row.get("filtered_resps") is not None:
        return listed(row["filtered_resps"], where, "filtered_resps")
    found = listed(row.get("resps"), where, "resps")
    return [one[0] if isinstance(one, list) and one else one for one in found]


def _loglikelihood(found: object, where: str, option: int) -> float:
    """A result is [log-likelihood, is_greedy]; text where the task generates."""
    if not isinstance(found, list) or not found:
        raise ValueError(f"{where}: the result of option {option} is {kind(found)}; is it a multiple_choice task?")
    return number(found[0], where, f"log-likelihood of option {option}")


def _conditional(arguments: list[tuple[str, str]]) -> int:
    """How many requests are options; acc_mutual_info asks for each once more, after no context.

    Older versions of the harness leave the delimiter out there (``" cat"`` after the question, then ``"cat"``), and
    where the options stand in the contexts the two halves share no text at all.
    """
    half = len(arguments) // 2
    first, second = arguments[:half], arguments[half:]
    again = [text.strip() for _, text in first] == [text.strip() for _, text in second]
    without = half > 0 and len(arguments) % 2 == 0 and not any(context for context, _ in second)
    return half if without and (again or all(context for context, _ in first)) else len(arguments)


def _scored(score: str, sums: list[float], n: int, options: tuple[str, ...], where: str) -> list[float]:
    if score == "pmi":
        if n == len(sums):
            raise ValueError(f"{where}: holds no unconditional log-likelihoods; add the metric acc_mutual_info")
        return [sums[i] - sums[n + i] for i in range(n)]
    if score == "sum":
        return sums[:n]
    lengths = [_LENGTHS[score](option.removeprefix(" ")) for option in options]  # without the target delimiter
    if 0 in lengths:
        raise ValueError(f"{where}: option {lengths.index(0)} is empty; it has no {score} score")
    return [value / length for value, length in zip(sums, lengths, strict=False)]


def _label(row: dict, options: tuple[str, ...], sums: list[float], where: str) -> int:
    """The harness writes ``str(target)``: an index, or the text of the right option; ``acc`` decides if it is both."""
    target = row.get("target")
    said = str(target) if isinstance(target, int) and not isinstance(target, bool) else target
    said = "" if said is None else text(said, where, "target")
    if said in _UNKNOWN:
        return -1
    texts = [option.strip() for option in options]
    found = [int(said)] if re.fullmatch(r"[0-9]{1,4}", said) and int(said) < len(options) else []
    found += [texts.index(said.strip())] if texts.count(said.strip()) == 1 else []
    if not found:
        raise ValueError(f"{where}: target {said[:40]!r} names none of the {len(options)} options; give --no-labels")
    agreeing = [label for label in found if (label == sums.index(max(sums))) == (row.get("acc") == 1)]
    return agreeing[0] if "acc" in row and agreeing else found[0]


def _short(name: str) -> str:
    """A hub id as it is; of a local folder its own name, for a shared file should not tell where things lie."""
    return Path(name).name if name.startswith((".", "~")) or Path(name).is_absolute() else name


def _model_name(path: Path) -> str:
    """The model's name in the results file of the same run, or ""."""
    found = _FILE.fullmatch(path.name)
    results = path.with_name(f"results_{found['date']}.json") if found else path
    if not found:
        return ""
    try:
        content = mapping(json_value(results, 2**24), str(results), "it")
        return _short(text(content.get("model_name"), str(results), "model_name"))
    except ValueError:  # a name is a convenience
        return ""
