"""The controlled world as a pair that anybody can trace: two folders of weights, a tokenizer, and questions in words.

A document reads ``Topic-7. Ann says C. Bob says D.``; the tokenizer turns it into the very tokens that the models were
trained on, so the exact belief in every answer is still known.
"""

from __future__ import annotations

import copy
from dataclasses import replace
from pathlib import Path

import numpy as np

from ...models import load_model
from ...models.quiet import quiet
from ...questions import Question, save_file
from ...traces.collect import collect
from . import transformer
from .generator import KEYS, Facts, draw, posterior
from .studies import STUDIES

NAMES = ("Ann", "Bob", "Cid")  # witnesses, from the most reliable to the least
LETTERS = "ABCD"
ASKED = "Which option is true?"
QUESTIONS, LABELLED = 1000, 250


def facts(study: str = "sharpen-sft", seed: int = 0, n: int = QUESTIONS) -> tuple[Facts, np.ndarray]:
    """Draw the documents that are asked about, none of which was trained on, and the exact beliefs, float64 (n, K)."""
    asked = STUDIES[study].asked
    found = draw(asked, n, np.random.default_rng([seed, 5]), held_out=True)
    return found, posterior(asked, found)


def questions(found: Facts, labelled: int = LABELLED) -> list[Question]:
    """Write documents as questions for the style ``cloze``; only the first ``labelled`` carry their answer."""
    return [
        Question(
            f"world/{i}", ASKED, tuple(LETTERS), int(found.truth[i]) if i < labelled else None, "", _said(found, i)
        )
        for i in range(len(found))
    ]


def _said(found: Facts, row: int) -> str:
    pairs = zip(found.witness[row], found.report[row], strict=True)
    statements = [f"{NAMES[w]} says {LETTERS[o]}." for w, o in list(pairs)[: found.count[row]]]
    return " ".join([f"Topic-{found.key[row]}.", *statements])


def tokenizer():
    """Build the tokenizer that reads such a question as the tokens of the world."""
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    words = ["<unk>", "<ask>", *LETTERS, *NAMES, *(f"Topic-{key}" for key in range(KEYS))]
    core = Tokenizer(models.WordLevel({word: i for i, word in enumerate(words)}, unk_token="<unk>"))
    asks = normalizers.Replace(Regex(r"\n?Question: Which option is true\?\nAnswer:"), " <ask>")
    core.normalizer = normalizers.Sequence([asks, normalizers.Replace(" says ", " "), normalizers.Replace(".", " ")])
    core.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return PreTrainedTokenizerFast(tokenizer_object=core, unk_token="<unk>")


def train(study: str = "sharpen-sft", seed: int = 0) -> dict:
    """Train the PLM and the PoLM of a study, as `simulate` does: {"plm": model, "polm": model}."""
    with transformer.one_thread():
        plm = transformer.new_model(seed)
        transformer.pretrain(plm, seed)
        polm = copy.deepcopy(plm)
        transformer.posttrain(polm.train(), STUDIES[study].world, replace(STUDIES[study].recipe, seed=seed))
    return {"plm": plm, "polm": polm}


def write_pair(folder: Path, study: str = "sharpen-sft", seed: int = 0) -> Path:
    """Train a pair and trace it; write ``plm/``, ``polm/``, ``questions.jsonl`` and ``trace.safetensors``.

    Raises
    ------
    ValueError
        For an unknown study, or one whose PLM is changed after training (its gain does not lie in the weights).
    """
    if study not in STUDIES or STUDIES[study].gain != 1:
        known = ", ".join(name for name, one in STUDIES.items() if one.gain == 1)
        raise ValueError(f"study: {study!r}; give one of {known}")
    folder.mkdir(parents=True, exist_ok=True)
    with quiet():
        for name, model in train(study, seed).items():
            model.eval().save_pretrained(folder / name)
            tokenizer().save_pretrained(folder / name)
    asked = questions(facts(study, seed)[0])
    save_file(asked, folder / "questions.jsonl")
    pair = (load_model(folder / name) for name in ("plm", "polm"))
    collect(*pair, asked, "cloze", folder / "trace.safetensors", set_name="world", progress=False)
    return folder
