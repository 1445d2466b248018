"""The nightly check: weights are trained anew in the order of their chain, and shipped traces compared with them."""

from __future__ import annotations

import re
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from models_kit import save_tiny, tiny_questions

from dualalign import Traces
from dualalign.lab import catalogue, pool, runs
from dualalign.lab import check as checking
from dualalign.lab.catalogue import Entry, Pair
from dualalign.lab.recipes import RECIPES, Recipe
from dualalign.questions import save_file

ROOT = Path(__file__).resolve().parent.parent
QUESTIONS = [q for q in tiny_questions(24) if q.answer is not None]


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return save_tiny(tmp_path_factory.mktemp("base") / "base")


@pytest.fixture
def house(base, tmp_path, monkeypatch):
    """An empty project folder with a chain of two recipes, a pair of them, and one trace of eleven questions."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(checking, "SHIPPED", set())
    first = Recipe(name="first", base=str(base), batch_size=4, rank=2)
    for recipe in (first, replace(first, name="second", start="first", method="rlvr", epochs=2)):
        monkeypatch.setitem(RECIPES, recipe.name, recipe)
    monkeypatch.setattr(catalogue, "PAIRS", {"second": Pair("second", plm="first")})
    entries = [Entry("own.jsonl", "choices", pair="second", short="own", stored="float32")]
    entries.append(replace(entries[0], short="half", stored="float16"))
    monkeypatch.setattr(catalogue, "CATALOGUE", {entry.name: entry for entry in entries})
    monkeypatch.setattr(pool, "training_pool", lambda mirror: QUESTIONS)
    save_file(QUESTIONS[:11], Path("own.jsonl"))
    catalogue.TRACES.mkdir(parents=True)
    return entries


@pytest.fixture
def made(house):
    """The same with weights and traces in place."""
    from dualalign.lab import tracing

    for name in runs.chain("second"):
        runs.run(name)
    for entry in house:
        tracing.trace(entry, tracing.Models(catalogue.PAIRS["second"]))
    return house


def command(monkeypatch, capsys, *arguments) -> tuple[int, str, str]:
    from dualalign.lab.__main__ import main

    capsys.readouterr()
    monkeypatch.setattr(sys, "argv", ["dualalign.lab", "check", *map(str, arguments)])
    with pytest.raises(SystemExit) as stop:
        main()
    return stop.value.code, *capsys.readouterr()


@pytest.mark.models
def test_remade_weights_pass_and_are_said_to_be_the_same(made, monkeypatch, capsys):
    for name in ("first", "second"):
        (catalogue.ADAPTERS / name / "adapter_model.safetensors").unlink()
    code, out, err = command(monkeypatch, capsys, "--remake", "--n", "7")
    assert (code, err) == (0, "")
    assert [line for line in out.splitlines() if "run.json" in line] == [
        "first: the very weights of run.json",
        "second: the very weights of run.json",
    ]
    passed = r"^second__(\w+)__choices (\w+) (\w+): at most \S+ nats, moved 0\.0000, accuracy \+0\.000  ok$"
    assert re.findall(passed, out, re.M) == [
        ("own", "plm", "first"), ("own", "polm", "second"), ("half", "plm", "first"), ("half", "polm", "second"),
    ]  # fmt: skip
    assert out.endswith("4 comparisons, all within tolerance\n")


@pytest.mark.models
def test_other_weights_fail_with_one_line(made, monkeypatch, capsys):
    shutil.rmtree(catalogue.ADAPTERS / "second")
    monkeypatch.setitem(RECIPES, "second", replace(RECIPES["second"], learning_rate=0.05, epochs=8))
    code, out, err = command(monkeypatch, capsys, "second", "--remake")
    assert code == 2
    assert err.count("\n") == 1
    assert "second__own__choices: second (polm)" in err
    assert "2 of 4 comparisons failed" in err
    assert re.search(r"plm first: at most \S+ nats, moved 0\.0000", out)
    assert "differs" in out


@pytest.mark.models
def test_what_cannot_be_compared_is_one_line(house, monkeypatch, capsys):
    for arguments in (["second"], ["second", "--remake"]):
        assert "no trace of this pair is in data/traces" in command(monkeypatch, capsys, *arguments)[2]
    assert not catalogue.ADAPTERS.exists()
    assert checking.remade_pairs() == []
    (catalogue.TRACES / "second__own__choices.safetensors").write_bytes(b"")
    code, _, err = command(monkeypatch, capsys)
    assert code == 2
    assert err == "dualalign.lab: data/adapters/first: no weights; run: python -m dualalign.lab train first\n"
    assert "third: no such pair; known are second" in command(monkeypatch, capsys, "third")[2]


@pytest.mark.models
def test_permuted_options_are_asked_again_in_their_order(made, tmp_path):
    from dualalign.lab import tracing

    models = tracing.Models(catalogue.PAIRS["second"])
    entry = replace(made[0], variant="permutations")
    tracing.trace(entry, models)
    now, then = tracing.again(entry, models, 13, tmp_path / "now.safetensors")
    assert len(now) == 13
    assert then.order is not None
    assert now.labels.tolist() == then.labels.tolist()
    assert tracing.deviation(now, then).max() < 1e-4
    assert not (np.diff(then.order, axis=0) == 0).all()
    with pytest.raises(ValueError, match="holds none of the 1 questions"):
        tracing.again(entry, models, 3, tmp_path / "x.safetensors", questions=[replace(QUESTIONS[0], id="absent")])


def change(**values) -> checking.Change:
    return checking.Change(
        **{"trace": "t", "side": "polm", "model": "sft1", "nats": 3, "beyond": 0, "moved": 0, "accuracy": 0} | values
    )


def test_remade_weights_may_differ_by_the_stated_amounts_and_shipped_ones_may_not():
    allowed = [change(beyond=3.0), change(moved=checking.MOVED), change(accuracy=-checking.ACCURACY)]
    assert not any(c.fails for c in allowed)
    checking.verdict([*allowed, change(model="plm")])
    refused = [change(moved=checking.MOVED + 1e-6), change(accuracy=-0.03), change(model="plm", beyond=1e-6)]
    assert all(c.fails for c in refused)
    with pytest.raises(ValueError, match=r"t: sft1 \(polm\) moves an option's probability by 0.020 .*; 3 of 6 comp"):
        checking.verdict([*allowed, *refused])


def test_the_tolerance_tells_a_recipe_from_its_plm():
    """Weights that were not trained at all fail: the PLM in the PoLM's place moves far more than the tolerance."""
    traces = Traces.load(ROOT / "data/traces/sft4__arc-easy__choices.safetensors")
    moved, _ = checking._moved(traces.plm_final, traces.polm_final, traces.labels)
    assert moved > 5 * checking.MOVED


def test_mean_change_counts_real_options_only():
    now = np.log(np.array([[0.5, 0.5, 1e-300], [0.2, 0.3, 0.5]]))
    now[0, 2] = -np.inf
    then = np.log(np.array([[0.9, 0.1, 1e-300], [0.2, 0.3, 0.5]]))
    then[0, 2] = -np.inf
    moved, accuracy = checking._moved(now, np.pad(then, ((0, 0), (0, 1)), constant_values=-np.inf), np.array([1, 2]))
    assert moved == pytest.approx((0.4 + 0.4) / 5)
    assert accuracy == 0.0


def test_pairs_that_are_remade_are_those_without_shipped_weights():
    assert {"plm", "sft4", "smollm2"} == checking.SHIPPED
    assert all(not pair.shipped for name, pair in catalogue.PAIRS.items() if name not in checking.SHIPPED)


def test_the_nightly_workflow_runs_the_nightly_target():
    workflow = (ROOT / ".github/workflows/nightly.yml").read_text("utf-8")
    recipe = re.search(r"^nightly:.*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text("utf-8"), re.M).group(1)
    assert "schedule:\n    - cron:" in workflow
    assert "run: make nightly" in workflow
    assert "-m dualalign.lab check --remake" in recipe
    assert 'pytest -m "nightly or slow"' in recipe
