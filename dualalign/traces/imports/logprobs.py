"""Log-probability dumps of servers: JSONL, a line a question (or a line an option), in one of these shapes.

=========================  ============================================================================================
shape                      what is read of a line
=========================  ============================================================================================
chat.completions           ``choices[0].logprobs.content[0].top_logprobs``: [{token, logprob}, ...]
completions (legacy)       ``choices[0].logprobs.top_logprobs[0]``: {token: logprob}, asked without echo
vLLM, ``RequestOutput``    ``outputs[0].logprobs[0]``, or ``logprobs[0]``: {token id: {logprob, decoded_token}}
SGLang, ``/generate``      ``meta_info.output_top_logprobs[0]``: [[logprob, token id, token], ...]
vLLM, scored prompts       ``prompt_logprobs`` and ``prompt_token_ids``, a line an option: ``option`` is its index
=========================  ============================================================================================

The response stands in the line itself, under ``response``, or under ``response.body`` (the Batch API of OpenAI, and
``vllm run-batch``). The question's id is ``id`` beside a ``response``, else ``custom_id`` or ``question_id``. Its
options are ``options`` in the line, else those of a question file; ``answer`` and ``group`` are taken from either.

A log-probability must be one from before any temperature (vLLM's default; SGLang with
SGLANG_RETURN_ORIGINAL_LOGPROB=1, or asked at temperature 1).
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Mapping, Sequence
from pathlib import Path

from ...bounded import plain, regular_file, shown
from ...questions import Question, load_file, targets
from ..artifact import Traces
from .missing import MATCHES, POLICIES, Choice, pick
from .pair import ONE_TOKEN, Answer, Run, digest, few, join, named, one_of
from .reading import index, jsonl, kind, listed, mapping, name, number, text
from .spans import Echo, after_common_prefix

SUMMED = "sum of log-probabilities over the tokens of an option"


def from_logprobs(
    plm: str | Path,
    polm: str | Path,
    questions: str | Path | Sequence[Question] | None = None,
    style: str = "letters",
    missing: str = "error",
    match: str = "exact",
    *,
    prompts: str = "same",
    unmatched: str = "error",
    labels: bool = True,
    plm_name: str | None = None,
    polm_name: str | None = None,
) -> Traces:
    """Import two dumps over the same questions.

    Parameters
    ----------
    plm, polm : JSONL files
    questions : a question file (or questions), for the options, labels and groups of lines that have none
    style : with ``questions``: what stands for an option, "letters" (" A", " B", ...), or its text ("choices", "cloze")
    missing : "error", "drop" or "bound", for an option that is not among the most likely tokens (`missing.pick`)
    match : "exact", or "stripped" to ignore blanks around tokens (a chat model says "A" where a base model says " A")
    prompts, unmatched, labels : see `pair.join`
    plm_name, polm_name : names for the metadata; by default the responses' ``model``

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
    >>> from dualalign.traces.imports import from_logprobs
    >>> for name, given in {"base": {" A": -0.5, " B": -1.0}, "chat": {" A": -0.25, " B": -2.5}}.items():
    ...     response = {"model": name, "choices": [{"logprobs": {"top_logprobs": [given]}}]}
    ...     row = {"id": "ice", "options": [" A", " B"], "answer": 0, "response": response}
    ...     _ = Path(f"{name}.jsonl").write_text(json.dumps(row))
    >>> traces = from_logprobs("base.jsonl", "chat.jsonl")
    >>> traces.polm_final.tolist(), traces.metadata["polm"]
    ([[-0.25, -2.5]], 'chat')
    """
    one_of("--missing", missing, POLICIES)
    one_of("--match", match, MATCHES)
    asked = load_file(questions) if isinstance(questions, (str, Path)) else list(questions or ())
    known = {question.id: (question, targets(question, style)) for question in asked}
    paths = [regular_file(path, "a JSONL file of responses with log-probabilities") for path in (plm, polm)]
    readers = [_Reader(path, known, missing, match) for path in paths]
    runs = [reader.run(given) for reader, given in zip(readers, (plm_name, polm_name), strict=True)]
    metadata = _metadata(readers, questions, f", options as {style}" if known else "")
    return join(*runs, metadata, prompts, unmatched, labels)


def _metadata(readers: Sequence[_Reader], questions: object, options: str) -> dict[str, str]:
    names = [reader.path.name for reader in readers]
    return {
        "questions": Path(questions).name if isinstance(questions, (str, Path)) else names[0],
        "prompt": f"as asked of the server{options}",
        "scores": SUMMED if any(reader.echoes for reader in readers) else ONE_TOKEN,
        "imported": f"logprobs: {' / '.join(names)}",
    }


class _Reader:
    """One dump, read line by line."""

    def __init__(self, path: Path, known: Mapping, missing: str, match: str) -> None:
        self.path, self.known, self.missing, self.match = path, known, missing, match
        self.model = ""
        self.echoes: dict[str, dict[int, tuple[Echo, str, dict]]] = {}  # id: option: what was scored

    def run(self, given: str | None) -> Run:
        """Read the file, and score every question; ``given`` is the model's name, if the caller gave one."""
        run = Run("", str(self.path))
        for where, row in jsonl(self.path):
            response, id = _response(row, where), _id(row, where)
            self.model = self.model or (response["model"] if isinstance(response.get("model"), str) else "")
            if "option" in row:
                self._keep_echo(id, row, response, where)
            else:
                self._add(run, id, row, response, where)
        for id, scored in self.echoes.items():
            self._add_echoes(run, id, scored)
        if not run.answers and not run.left_out:
            raise ValueError(f"{self.path}: holds no row; expected one response a line")
        run.model = named(self.path, given, text(self.model, str(self.path), "model"))
        return run

    def _add(self, run: Run, id: str, row: dict, response: dict, where: str) -> None:
        options = self._options(id, row, where)
        choice = Choice(options, _top(response, where), where, self.match)
        scores = None if id in run.left_out else pick(run, id, choice, self.missing)
        if scores is not None:
            run.add(self._answer(id, options, scores, row, where))

    def _answer(self, id: str, options: tuple[str, ...], scores: tuple[float, ...], row: dict, where: str) -> Answer:
        question = self.known[id][0] if id in self.known else None
        label, group = row.get("answer"), row.get("group")
        if question is not None:
            label = question.answer if label is None else label
            group = question.group if group is None else group
        group = text(group or "", where, "group")
        prompt = digest([text(row["prompt"], where, "prompt")]) if isinstance(row.get("prompt"), str) else ""
        return Answer(id, options, scores, where, index(label, len(options), where, "answer"), group, prompt)

    def _options(self, id: str, row: dict, where: str) -> tuple[str, ...]:
        if row.get("options") is not None:
            return few([text(one, where, "option") for one in listed(row["options"], where, "options")], where)
        if id in self.known:
            return self.known[id][1]
        raise ValueError(f"{where}: question {id!r} has no options; write them into the row or give --questions FILE")

    def _keep_echo(self, id: str, row: dict, response: dict, where: str) -> None:
        option = row["option"]
        if isinstance(option, bool) or not isinstance(option, int) or option < 0:
            raise ValueError(f"{where}: option is {kind(option)}, expected the index of the option that was scored")
        scored = self.echoes.setdefault(id, {})
        if option in scored:
            raise ValueError(f"{where}: option {option} of question {id!r} already stands in {scored[option][1]}")
        scored[option] = (
            _echo(response, row, where),
            where,
            {key: row.get(key) for key in ("options", "answer", "group")},
        )

    def _add_echoes(self, run: Run, id: str, scored: dict[int, tuple[Echo, str, dict]]) -> None:
        _, where, row = scored[min(scored)]
        if sorted(scored) != list(range(len(scored))):
            raise ValueError(f"{where}: question {id!r} has the options {shown(sorted(scored))}; score each from 0 on")
        numbers = tuple(map(str, range(len(scored))))
        options = self._options(id, row, where) if row["options"] is not None or id in self.known else numbers
        if len(options) != len(scored):
            raise ValueError(f"{where}: question {id!r} has {len(options)} options, {len(scored)} of them were scored")
        scores = after_common_prefix([scored[i][0] for i in range(len(scored))], where)
        run.add(self._answer(id, options, scores, row, where))


def _response(row: dict, where: str) -> dict:
    """The response in a line; an error of the server is told apart from a response."""
    found = row.get("response", row)
    if row.get("error") is not None or found is None:
        raise ValueError(f"{where}: the request failed; ask again, or take the line out of both files")
    found = mapping(found, where, "response")
    return mapping(found["body"], where, "response.body") if "body" in found else found


def _id(row: dict, where: str) -> str:
    """The question's id: a bare response has an ``id`` of its own, which is none."""
    for key in ("custom_id", "question_id"):
        if row.get(key) is not None:
            return name(row[key], where, key)
    if "object" in row and "choices" in row:
        raise ValueError(f"{where}: names no question; write its id as question_id into the row")
    return name(row.get("id"), where, "id")


def _top(response: dict, where: str) -> list[tuple[str, float]]:
    """The most likely first tokens of a response, in any of the shapes."""
    if isinstance(response.get("meta_info"), dict):
        rows = _first(response["meta_info"].get("output_top_logprobs"), where, "output_top_logprobs")
        return [_triple(one, where) for one in listed(rows, where, "output_top_logprobs")]
    source = response
    for key in ("choices", "outputs"):
        if response.get(key) is not None:
            source = mapping(_first(response[key], where, key), where, f"{key}[0]")
    found = source.get("logprobs")
    if isinstance(found, dict) and found.get("content") is not None:
        first = mapping(_first(found["content"], where, "content"), where, "content[0]")
        rows = listed(first.get("top_logprobs"), where, "top_logprobs")
        return [_pair(mapping(one, where, "top_logprobs"), "token", where) for one in rows]
    if isinstance(found, dict):
        found = found.get("top_logprobs")
    first = _first(found, where, "logprobs")
    if first is None:
        raise ValueError(f"{where}: its first token has no log-probabilities: the prompt was echoed; ask without echo")
    return _by_token(mapping(first, where, "logprobs of the first token"), where)


def _by_token(found: dict, where: str) -> list[tuple[str, float]]:
    """{token: logprob} of the completions API, or {token id: {logprob, decoded_token}} of vLLM."""
    return [
        _pair(value, "decoded_token", where) if isinstance(value, dict) else _token(token, value, where)
        for token, value in found.items()
    ]


def _pair(found: dict, key: str, where: str) -> tuple[str, float]:
    return _token(found.get(key), found.get("logprob"), where)


def _triple(found: object, where: str) -> tuple[str, float]:
    if len(listed(found, where, "output_top_logprobs")) != 3:
        raise ValueError(f"{where}: output_top_logprobs holds {len(found)} values for a token, expected 3")
    return _token(found[2], found[0], where)


def _token(token: object, logprob: object, where: str) -> tuple[str, float]:
    if not isinstance(token, str):
        raise ValueError(f"{where}: a token is {kind(token)}, expected its text; dump the decoded tokens")
    value = -math.inf if logprob == -math.inf else number(logprob, where, f"log-probability of {token[:20]!r}")
    if value > 1e-3:  # rounding may put a probability of 1 a little above
        raise ValueError(f"{where}: log-probability of {token[:20]!r} is {value:.6g}, above 0; are these logits?")
    return token, value


def _first(found: object, where: str, what: str) -> object:
    if not isinstance(found, list) or not found:
        raise ValueError(f"{where}: {what} is {'empty' if found == [] else kind(found)}; ask for log-probabilities")
    return found[0]


def _echo(response: dict, row: dict, where: str) -> Echo:
    """A scored prompt of vLLM: {token id: {logprob}} a token, None at the first."""
    source = response
    if response.get("choices") is not None:
        source = response | mapping(_first(response["choices"], where, "choices"), where, "choices[0]")
    rows = listed(source.get("prompt_logprobs"), where, "prompt_logprobs")
    ids = listed(source.get("prompt_token_ids", row.get("prompt_token_ids")), where, "prompt_token_ids")
    if len(rows) != len(ids):
        raise ValueError(f"{where}: {len(rows)} prompt_logprobs for {len(ids)} prompt_token_ids; is the row whole?")
    return Echo(
        tuple(name(one, where, "a token id") for one in ids),
        array("d", (_at(one, token, where) for one, token in zip(rows, ids, strict=True))),
    )


def _at(found: object, token: object, where: str) -> float:
    if found is None:
        return math.nan
    entry = mapping(found, where, "prompt_logprobs").get(str(token))
    value = entry.get("logprob") if isinstance(entry, dict) else entry
    return number(value, where, f"log-probability of the prompt's token {plain(token, 20)}")
