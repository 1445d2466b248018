"""HELM (crfm-helm): ``scenario_state.json`` of a run, the only file that holds log-probabilities.

``display_predictions.json``, ``display_requests.json`` and ``per_instance_stats.json`` hold texts and metrics only.
Read from each of ``request_states``: ``instance`` (``id``, ``input.text``, ``references`` with ``output.text`` and the
tag "correct"), ``reference_index``, ``request_mode``, ``output_mapping``, ``request.prompt``, ``prompt_truncated``,
``num_train_instances``, and of ``result.completions[0].tokens`` each ``text``, ``logprob`` and ``top_logprobs``.

===================================  ===============================================  =====================
adapter method                       what is read                                     score
===================================  ===============================================  =====================
multiple_choice_separate_original    one request a reference, the prompt echoed       sum, or per-token
                                                                                      (HELM's own choice)
multiple_choice_separate_calibrated  the same, and one without the question           sum, per-token, or pmi
                                                                                      (HELM's own choice)
multiple_choice_joint                ``top_logprobs`` of the first token answered,    sum (one token)
                                     which HELM stopped writing (0.2.4 has them,
                                     0.5 has not)
===================================  ===============================================  =====================

Perturbed instances, and repeats of a request (``train_trial_index`` above 0, ``num_trials``), are left out.
"""

from __future__ import annotations

import math
import re
from array import array
from dataclasses import dataclass
from pathlib import Path
from sys import intern

from ...bounded import regular_file, shown
from ..artifact import Traces
from .missing import POLICIES, Choice, leave_out, pick
from .pair import ONE_TOKEN, Answer, Run, digest, few, join, named, one_of
from .reading import kind, listed, mapping, members, name, number, text
from .spans import Echo, after_common_prefix, per_token

SCORES = {
    "sum": "sum of log-probabilities over the tokens of an option",
    "per-token": "mean log-probability of the tokens of an option",
    "pmi": "log-probability of an option after the question less that without the question",
}
SEPARATE = ("multiple_choice_separate_original", "multiple_choice_separate_calibrated")
JOINT = "multiple_choice_joint"
_FILE = "scenario_state.json"
_MODEL = re.compile(r"[:,]model(_deployment)?=[^,]*")


def from_helm(
    plm: str | Path,
    polm: str | Path,
    score: str = "sum",
    missing: str = "error",
    *,
    prompts: str = "same",
    unmatched: str = "error",
    labels: bool = True,
    plm_name: str | None = None,
    polm_name: str | None = None,
) -> Traces:
    """Import two runs of the same scenario.

    Parameters
    ----------
    plm, polm : the folder of a run, or its ``scenario_state.json``
    score : "sum"; "per-token", HELM's own for multiple_choice_separate_original; "pmi", its own for ..._calibrated
    missing : "error", "drop" or "bound" for an option that is not among the most likely tokens (`missing.pick`);
        "drop" also leaves out questions whose prompt was cut or whose request failed
    prompts, unmatched, labels : see `pair.join`
    plm_name, polm_name : names for the metadata; by default the adapter's ``model``

    Returns
    -------
    Traces
        One layer, the last.

    Raises
    ------
    ValueError
        One line that names file and request.
    """
    one_of("--score", score, SCORES, "helm")
    one_of("--missing", missing, POLICIES)
    readers = [_Reader(state_file(path), score, missing) for path in (plm, polm)]
    runs = [reader.run(given) for reader, given in zip(readers, (plm_name, polm_name), strict=True)]
    return join(*runs, _metadata(*readers, score), prompts, unmatched, labels)


def _metadata(plm: _Reader, polm: _Reader, score: str) -> dict[str, str]:
    if plm.method != polm.method:
        raise ValueError(f"{polm.path}: method {polm.method}, {plm.method} in {plm.path}; use one for both")
    return {
        "questions": f"HELM: {_MODEL.sub('', plm.path.parent.name)}",
        "prompt": f"HELM: {plm.method}",
        "scores": ONE_TOKEN if plm.method == JOINT else SCORES[score],
        "imported": f"helm: {plm.path.parent.name} / {polm.path.parent.name}",
    }


def state_file(path: str | Path) -> Path:
    """Return the scenario_state.json of a run's folder; say why another of HELM's files will not do."""
    path = Path(path)
    path = path / _FILE if path.is_dir() else path
    if path.name in ("display_predictions.json", "display_requests.json", "per_instance_stats.json", "instances.json"):
        raise ValueError(f"{path}: holds no log-probabilities; give {_FILE} of the same run")
    return regular_file(path, f"{_FILE} of a HELM run, or the folder it is in")


class _Reader:
    """One run, read request by request; only what is needed of each is kept."""

    def __init__(self, path: Path, score: str, missing: str) -> None:
        self.path, self.score, self.missing = path, score, missing
        self.method, self.model = "", ""
        self.parts: dict[str, dict[tuple[str, int], _Request]] = {}  # id: (mode, reference): request

    def run(self, given: str | None) -> Run:
        """Read the file, and score every question; ``given`` is the model's name, if the caller gave one."""
        for place, value in members(self.path, "request_states"):
            if place == "adapter_spec":
                self._spec(mapping(value, str(self.path), place))
            elif place.startswith("request_states["):
                self._keep(mapping(value, f"{self.path}, {place}", "the request"), f"{self.path}, {place}")
        if self.method not in (*SEPARATE, JOINT):
            allowed = ", ".join((*SEPARATE, JOINT))
            raise ValueError(f"{self.path}: method {self.method[:60]!r} has no option to score; allowed are {allowed}")
        if self.score != "sum" and self.method == JOINT:
            raise ValueError(f"{self.path}: {JOINT} scores one token an option; leave --score at sum")
        run = Run(named(self.path, given, self.model), str(self.path))
        for id, requests in self.parts.items():
            self._add(run, id, requests)
        return run

    def _spec(self, spec: dict) -> None:
        self.method = text(spec.get("method", ""), str(self.path), "method")
        self.model = text(spec.get("model", ""), str(self.path), "model")

    def _keep(self, state: dict, where: str) -> None:
        instance = mapping(state.get("instance"), where, "instance")
        if instance.get("perturbation") is not None or state.get("train_trial_index", 0) != 0:
            return
        id = name(instance.get("id"), where, "instance.id")
        reference = state.get("reference_index")
        if reference is not None and (isinstance(reference, bool) or not isinstance(reference, int)):
            raise ValueError(f"{where}: reference_index is {kind(reference)}, expected a whole number")
        mode = text(state.get("request_mode") or "original", where, "request_mode")[:20]
        key = (mode, -1 if reference is None else reference)
        self.parts.setdefault(id, {}).setdefault(key, _request(state, instance, where))

    def _add(self, run: Run, id: str, requests: dict[tuple[str, int], _Request]) -> None:
        first = next(iter(requests.values()))
        failed = next((request for request in requests.values() if request.failed), None)
        if failed:
            leave_out(run, id, failed.failed, failed.where, self.missing)
            return
        scores = self._joint(run, id, first) if self.method == JOINT else self._separate(requests, first)
        if scores is not None:
            asked = digest(requests[key].prompt for key in sorted(requests))
            run.add(Answer(id, first.references, scores, first.where, first.label, "", asked, first.document))

    def _separate(self, requests: dict, first: _Request) -> tuple[float, ...]:
        """One request a reference, and for "pmi" one more without the question."""
        original = self._mode(requests, "original", first)
        if self.score != "pmi":
            return original
        if not any(mode == "calibration" for mode, _ in requests):
            raise ValueError(f"{first.where}: no request without the question; the score pmi needs {SEPARATE[1]}")
        return tuple(a - b for a, b in zip(original, self._mode(requests, "calibration", first), strict=True))

    def _mode(self, requests: dict, mode: str, first: _Request) -> tuple[float, ...]:
        where, options = first.where, first.references
        absent = [i for i in range(len(options)) if (mode, i) not in requests]
        if absent:
            raise ValueError(
                f"{where}: reference {absent[0]} of {len(options)} has no request ({mode}); is the run whole?"
            )
        found = [requests[mode, i] for i in range(len(options))]
        if len({request.examples for request in found}) > 1:
            raise ValueError(
                f"{where}: its options were asked after different numbers of examples; use fewer in context"
            )
        echoes = [request.echo for request in found]
        if self.score != "per-token":
            return after_common_prefix(echoes, where)
        named_options = enumerate(zip(echoes, options, strict=True))
        return tuple(per_token(echo, option, where, f"option {i}") for i, (echo, option) in named_options)

    def _joint(self, run: Run, id: str, request: _Request) -> tuple[float, ...] | None:
        """One request a question: the letters among the most likely first tokens."""
        where, letters = request.where, request.letters
        if len(letters) != len(request.references):
            raise ValueError(
                f"{where}: output_mapping names {len(letters)} letters for {len(request.references)} options"
            )
        if not request.top:
            raise ValueError(
                f"{where}: this version of HELM wrote no top_logprobs, so the other letters' probabilities are not "
                f"known; run the scenario with {SEPARATE[0]}"
            )
        return pick(run, id, Choice(letters, list(request.top.items()), where, "stripped"), self.missing)


@dataclass(frozen=True, slots=True)
class _Request:
    """What is kept of a request; `document` and `prompt` are digests, `top` is of the first token."""

    where: str
    document: str
    references: tuple[str, ...]
    label: int
    letters: tuple[str, ...]
    prompt: str
    examples: str
    echo: Echo
    top: dict[str, float]
    failed: str


def _request(state: dict, instance: dict, where: str) -> _Request:
    references = [mapping(one, where, "reference") for one in listed(instance.get("references"), where, "references")]
    outputs = [mapping(one.get("output"), where, "output").get("text", "") for one in references]
    texts = few([text(one, where, "reference") for one in outputs], where)
    right = [i for i, one in enumerate(references) if "correct" in listed(one.get("tags"), where, "tags")]
    given = mapping(instance.get("input"), where, "input").get("text", "")
    prompt = mapping(state.get("request"), where, "request").get("prompt", "")
    mapped = state.get("output_mapping")
    tokens = _tokens(state, where)
    return _Request(
        where=where,
        document=digest([text(given, where, "input.text"), *texts]),
        references=texts,
        label=right[0] if len(right) == 1 else -1,
        letters=few(mapping(mapped, where, "output_mapping"), where) if mapped is not None else (),
        prompt=digest([text(prompt, where, "prompt")]),
        examples=shown(state.get("num_train_instances", 0)),
        echo=_echo(tokens, where),
        top=_top(tokens, where),
        failed=_failed(state, tokens),
    )


def _tokens(state: dict, where: str) -> list[dict]:
    result = state.get("result")
    if not isinstance(result, dict) or not result.get("completions"):
        return []
    first = mapping(listed(result["completions"], where, "completions")[0], where, "completion")
    return [mapping(token, where, "token") for token in listed(first.get("tokens"), where, "tokens")]


def _failed(state: dict, tokens: list[dict]) -> str:
    """Why a request is of no use, or ""."""
    result = state.get("result")
    if not tokens or (isinstance(result, dict) and result.get("success") is False):
        return "the request has no result"
    return "the prompt was cut to fit the model's context" if state.get("prompt_truncated") is True else ""


def _echo(tokens: list[dict], where: str) -> Echo:
    texts = tuple(intern(text(token.get("text"), where, "token")) for token in tokens)
    given = (token.get("logprob") for token in tokens)
    return Echo(texts, array("d", (math.nan if one is None else number(one, where, "logprob") for one in given)))


def _top(tokens: list[dict], where: str) -> dict[str, float]:
    found = tokens[0].get("top_logprobs") if tokens else None
    found = mapping(found, where, "top_logprobs") if found is not None else {}
    return {token: number(value, where, f"log-probability of {token[:20]!r}") for token, value in found.items()}
