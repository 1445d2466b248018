"""One seed of the controlled world: pre-training, every post-training, and what the models say at every layer."""

from __future__ import annotations

import copy
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from ... import drift
from ...traces import Traces
from ...traces.artifact import write_whole
from . import transformer
from .generator import World, draw, posterior
from .studies import STUDIES, Study

QUESTIONS = 2000  # asked in each world, held out from all training
LOOK = 60  # steps between two looks at the exact error in pre-training
CURVE = ("step", "loss", "least", "error")


@dataclass
class Run:
    """What one seed produced, as arrays.

    Attributes
    ----------
    seed : int
    curve : float64 (looks, 4)
        Pre-training: step, mean log loss since the last look, the least that any model could expect there, and the mean
        absolute difference of the model's probabilities from the exact posterior on 500 held-out questions.
    plm, polm : logits of the options at every layer, float16 (N, L, K)
        By the questions asked; of a PoLM, by its training and the questions. Kept, and so measured, in half precision.
    pi, labels, keys : exact posterior (N, K), true option (N,) and topic (N,), by the questions asked
    seconds : processor time of each training
    """

    seed: int
    curve: np.ndarray
    plm: dict[str, np.ndarray] = field(default_factory=dict)
    polm: dict[str, np.ndarray] = field(default_factory=dict)
    pi: dict[str, np.ndarray] = field(default_factory=dict)
    labels: dict[str, np.ndarray] = field(default_factory=dict)
    keys: dict[str, np.ndarray] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)

    def traces(self, study: Study) -> Traces:
        """The trace of a study's pair; groups are the kinds of keys: told, reversed, plain.

        Raises
        ------
        ValueError
            If the run lacks the study.
        """
        if f"{study.trained}@{study.questions}" not in self.polm:
            raise ValueError(f"{study.name}: the run of seed {self.seed} lacks it; it holds {', '.join(self.polm)}")
        asked, n = study.questions, len(self.labels[study.questions])
        return Traces(
            plm_logits=study.gain * self.plm[asked].astype(np.float32),
            polm_logits=self.polm[f"{study.trained}@{asked}"].astype(np.float32),
            labels=self.labels[asked],
            n_options=np.full(n, self.pi[asked].shape[1]),
            question_ids=tuple(f"{asked}-{i}" for i in range(n)),
            groups=tuple(key_kinds(study, self.keys[asked])),
            metadata={
                "plm": "world-plm",
                "polm": f"world-{study.trained}",
                "questions": f"world {asked}",
                "prompt": "",
            },
        )

    def save(self, path: Path) -> None:
        """Write the run whole or not at all, as safetensors."""
        from safetensors.numpy import save

        tensors = {f"{kind}/{name}": a for kind in _KINDS for name, a in getattr(self, kind).items()}
        tensors |= {f"seconds/{name}": np.array([s]) for name, s in self.seconds.items()}
        tensors |= {"curve": self.curve, "seed": np.array([self.seed])}
        write_whole(path, save({name: np.ascontiguousarray(tensors[name]) for name in sorted(tensors)}))

    @classmethod
    def load(cls, path: Path | str) -> Run:
        """Read a saved run.

        Raises
        ------
        ValueError
            If there is no such file, or it is none of these.
        """
        from ...traces.validate import read_safetensors

        tensors, _ = read_safetensors(path)
        known = (*_KINDS, "seconds")
        others = {name for name in tensors if name.partition("/")[0] not in known or "/" not in name}
        if others != {"curve", "seed"}:
            raise ValueError(f"{path}: is no run of the controlled world; make one with python -m dualalign.lab world")
        run = cls(int(tensors.pop("seed")[0]), tensors.pop("curve"))
        for name, value in sorted(tensors.items()):
            kind, _, rest = name.partition("/")
            getattr(run, kind)[rest] = float(value[0]) if kind == "seconds" else value
        return run


_KINDS = ("plm", "polm", "pi", "labels", "keys")


def key_kinds(study: Study, key: np.ndarray) -> np.ndarray:
    """What a study's post-training did to each key: "told", "reversed" or "plain", (N,)."""
    turned = np.where(study.world.turned(key), "reversed", "plain")
    return np.where(study.world.told(key), "told", turned)


def simulate(seed: int, pretraining: transformer.Pretraining = transformer.Pretraining(),  # noqa: B008
             studies: dict[str, Study] | None = None, questions: int = QUESTIONS) -> Run:  # fmt: skip
    """Train the PLM and every PoLM of a seed from nothing, and ask them all their questions.

    One thread, float32, deterministic kernels: the same seed gives the same bytes on the same machine and versions.
    Another processor adds in another order, and training carries that on; what stays is what the seeds' spread says.
    """
    with transformer.one_thread():
        plm, run = _pretrained(seed, pretraining)
        facts = _ask(run, plm, studies or STUDIES, questions)
        for study in (studies or STUDIES).values():
            _posttrained(run, plm, study, facts, studies or STUDIES)
    return run


def _pretrained(seed: int, plan: transformer.Pretraining):
    model, start = transformer.new_model(seed), time.process_time()
    watch = _Watch(model, seed)
    losses = transformer.pretrain(model, seed, plan, watch)
    return model, Run(seed, watch.curve(losses), seconds={"plm": time.process_time() - start})


class _Watch:
    """Looks at the exact error of a model in training."""

    def __init__(self, model, seed: int):
        facts = draw(World(), 500, np.random.default_rng([seed, 3]), held_out=True)
        self.model, self.facts, self.pi, self.seen = model, facts, posterior(World(), facts), []

    def __call__(self, step: int) -> None:
        if step % LOOK == 0:
            found = beliefs(transformer.read(self.model, self.facts))
            self.model.train()
            self.seen.append((step, np.abs(found - self.pi).mean()))

    def curve(self, losses: list[float]) -> np.ndarray:
        """Return the steps looked at, (n, len(CURVE)): step, mean loss since, least possible loss, error."""
        least = -(self.pi * np.log(self.pi)).sum(axis=1).mean()
        return np.array([(s, np.mean(losses[s - LOOK : s]), least, e) for s, e in self.seen]).reshape(-1, len(CURVE))


def beliefs(logits: np.ndarray) -> np.ndarray:
    """Final probabilities of a model, float64 (N, K), from logits (N, L, K)."""
    return np.exp(drift.log_softmax_options(logits[:, -1]))


def _ask(run: Run, plm, studies: dict[str, Study], n: int) -> dict:
    """Draw the held-out questions of every world, with their exact posterior, and read the PLM on them."""
    asked = {}
    for study in studies.values():
        name = study.questions
        if name not in asked:
            facts = asked[name] = draw(study.asked, n, np.random.default_rng([run.seed, 4]), held_out=True)
            run.pi[name], run.labels[name], run.keys[name] = posterior(study.asked, facts), facts.truth, facts.key
            run.plm[name] = transformer.read(plm, facts).astype(np.float16)
    return asked


def _posttrained(run: Run, plm, study: Study, asked: dict, studies: dict[str, Study]) -> None:
    """Train a study's PoLM, unless another study's is the same, and read it on all questions that it is asked."""
    if study.trained in run.seconds:
        return
    model, start = copy.deepcopy(plm), time.process_time()
    model.train()
    transformer.posttrain(model, study.world, replace(study.recipe, seed=run.seed))
    run.seconds[study.trained] = time.process_time() - start
    for name in {s.questions: None for s in studies.values() if s.trained == study.trained}:
        run.polm[f"{study.trained}@{name}"] = transformer.read(model, asked[name]).astype(np.float16)
