"""The lab's loop on a tiny random model: it learns, it resumes to the same weights, and its gain changes no answer."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace

import pytest
from lab_kit import DPO, FULL, RECIPE, RLVR, examples, tiny_model
from lab_kit import load as weights
from lab_kit import train as train_tiny

from dualalign.lab.recipes import Recipe

pytestmark = pytest.mark.models


def record(folder) -> dict:
    return json.loads((folder / "run.json").read_text())


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    from dualalign.lab.train import train

    return train(tiny_model(), examples(), RECIPE, tmp_path_factory.mktemp("run") / "tiny", examples(12, 32))


def test_it_learns_and_writes_its_record(trained):
    run = json.loads((trained / "run.json").read_text())
    assert run["recipe"]["name"] == "tiny"
    assert run["questions"] == 32
    assert run["curve"][-1]["nll"] < run["curve"][0]["nll"]
    assert run["kept"] in ("last", "tail-average")
    assert run["dev"]["with gain"]["nll"] <= run["dev"][run["kept"]]["nll"] + 1e-6
    assert run["dev"]["with gain"]["accuracy"] == run["dev"][run["kept"]]["accuracy"]
    assert [p.name for p in trained.parent.iterdir()] == ["tiny"]


def test_a_checkpoint_of_another_run_is_refused(tmp_path, monkeypatch):
    from dualalign.lab import train as loop

    monkeypatch.setattr(loop._Run, "finish", lambda self, choice: self.out)
    loop.train(tiny_model(), examples(), RECIPE, tmp_path / "tiny")
    with pytest.raises(ValueError, match="belongs to another run of 'tiny'; remove the folder"):
        loop.train(tiny_model(), examples(), replace(RECIPE, seed=5), tmp_path / "tiny")


def test_a_later_run_starts_from_the_adapter_and_leaves_its_gain_alone(trained, tmp_path):
    import torch

    from dualalign.lab.train import train

    later = Recipe(name="later", start="tiny", learning_rate=5e-3, batch_size=4)
    before, after = weights(trained), weights(train(tiny_model(), examples(), later, tmp_path / "later", start=trained))
    norm = [k for k in before if "norm" in k]
    assert len(norm) == 1
    assert torch.equal(before[norm[0]], after[norm[0]])
    assert any(not torch.equal(before[k], after[k]) for k in before if "lora_B" in k)


def test_the_batch_plan_covers_every_question_once_an_epoch():
    from collections import Counter

    from dualalign.lab.train import batch_plan

    plan = batch_plan(examples(30), RECIPE)
    assert Counter(i for batch in plan for i in batch) == Counter({i: 3 for i in range(30)})
    assert plan == batch_plan(examples(30), RECIPE)
    assert plan != batch_plan(examples(30), replace(RECIPE, seed=1))


def test_the_curve_is_of_the_style_that_most_questions_are_asked_in(tmp_path, capsys):
    recipe = Recipe(name="gaps", mix={"letters": 0.2, "cloze": 0.8}, learning_rate=5e-3, batch_size=4, rank=2)
    asked = [replace(e, style="cloze" if i % 4 else "letters") for i, e in enumerate(examples())]
    from dualalign.lab.train import train

    curve = record(train(tiny_model(), asked, recipe, tmp_path / "gaps"))["curve"]
    assert all(0.5 <= row["confidence"] <= 1 and row["nll"] > 0 for row in curve)  # two options
    assert "gaps step 8/8  cloze: confidence 0." in capsys.readouterr().out
    other = replace(recipe, mix={"choices": 1.0})  # nothing is said of a style in which nothing was asked
    assert {tuple(row) for row in record(train(tiny_model(), asked, other, tmp_path / "other"))["curve"]} == {
        ("step", "loss")
    }


def test_a_row_of_the_curve_is_the_mean_of_its_stretch():
    from dualalign.lab.train import _thin

    said = [[["cloze", 0.5, 1, 0.7], ["p-true", 0.9, 1, 0.1]], [["cloze", 0.7, 0, 1.5]], [["p-true", 0.8, 1, 0.2]]]
    curve = [{"step": i, "loss": float(i), "questions": questions} for i, questions in enumerate(said, 1)]
    assert _thin(curve, "cloze", points=2) == [
        {"step": 2, "loss": 1.5, "confidence": 0.6, "accuracy": 0.5, "nll": 1.1},
        {"step": 3, "loss": 3.0},
    ]


def test_dpo_starts_at_ln_2_and_parts_the_two_options(tmp_path):
    import math

    curve = record(train_tiny(DPO, tmp_path / "dpo"))["curve"]
    assert curve[0]["step"] == 1
    assert curve[0]["loss"] == pytest.approx(math.log(2), abs=1e-4)
    assert curve[-1]["loss"] < curve[0]["loss"]
    assert curve[-1]["nll"] < curve[0]["nll"]


def test_rlvr_raises_the_expected_reward(tmp_path):
    curve = record(train_tiny(RLVR, tmp_path / "rlvr"))["curve"]
    assert curve[-1]["loss"] < curve[0]["loss"] < 0
    assert curve[-1]["nll"] < curve[0]["nll"]


@pytest.mark.parametrize("start", [False, True])
def test_full_fine_tuning_trains_everything_but_the_embeddings(start, trained, tmp_path):
    """Compared with the base, the start's adapter merged into it; the folder loads as a model of its own."""
    import torch

    from dualalign.models import load_model
    from dualalign.models.load import merged

    out = train_tiny(FULL, tmp_path / "full", start=trained if start else None)
    before = tiny_model()
    before = (merged(before, trained, "tiny") if start else before).state_dict()
    after = weights(out, "model.safetensors")
    assert before.keys() - after.keys() <= {"lm_head.weight"}  # tied to the embeddings
    same = [name for name, w in after.items() if torch.equal(w, before[name].to(torch.bfloat16))]
    assert same == ["model.embed_tokens.weight"]
    assert {w.dtype for w in after.values()} == {torch.bfloat16}
    _save_tokenizer(out)
    loaded = load_model(out).model.state_dict()
    assert all(torch.equal(loaded[name].to(torch.bfloat16), w) for name, w in after.items())
    assert torch.equal(loaded["lm_head.weight"], loaded["model.embed_tokens.weight"])


def _save_tokenizer(folder):
    from models_kit import tiny_tokenizer

    tiny_tokenizer().save_pretrained(folder)


def test_a_chain_leaves_a_checkpoint_of_each_link(tmp_path):
    """SFT, then DPO, then RLVR: each starts from the folder before it, changes it, and leaves it as it was."""
    import torch

    links = [replace(RECIPE, tail=0.0, gain=False, epochs=1), replace(DPO, epochs=1), replace(RLVR, epochs=1)]
    folders, start = [], None
    for recipe in links:
        folders.append(train_tiny(recipe, tmp_path / recipe.method, start=start))
        start = folders[-1]
    first = [weights(folder) for folder in folders]
    assert first[0].keys() == first[1].keys() == first[2].keys()
    for before, after in itertools.pairwise(first):
        assert not any(torch.equal(before[k], after[k]) for k in before if "lora_B" in k)
    assert [record(folder)["recipe"]["method"] for folder in folders] == ["sft", "dpo", "rlvr"]
    assert record(folders[1])["curve"][0]["loss"] == pytest.approx(0.6931, abs=1e-3)  # its reference is its start
    again = train_tiny(links[1], tmp_path / "again", start=folders[0])
    assert record(again)["sha256"] == record(folders[1])["sha256"]
