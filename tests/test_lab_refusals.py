"""What the lab refuses: one line that says which file and what to do, exit code 2, no traceback."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from models_kit import save_tiny, tiny_questions
from no_network import python_path

from dualalign.lab import catalogue, pool, runs
from dualalign.lab.recipes import RECIPES, Recipe
from dualalign.questions import save_file

ROOT = Path(__file__).resolve().parent.parent
QUESTIONS = [q for q in tiny_questions() if q.answer is not None]
OTHER = "package:smollm2-135m-instruct"


def process(*arguments, cwd: Path = ROOT) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "dualalign.lab", *map(str, arguments)]
    environment = os.environ | {"PYTHONPATH": python_path(ROOT)}
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["train", "sft9"], "sft9: no such recipe; known are plm, sft4"),
        (["check", "sft9"], "sft9: no such pair; known are sft4"),
        (["check", "sft9", "--remake"], "sft9: no such pair; known are sft4"),
        (["trace", "sft9"], "sft9: no such pair or trace; known are"),
        (["train", "sft1", "--questions", "data/questions/arc-easy.jsonl"], "the evaluation set arc-easy/test"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(arguments, said):
    result = process(*arguments)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith("dualalign.lab: ")
    assert said in result.stderr
    assert result.stderr.count("\n") == 1


@pytest.fixture
def lab(tmp_path, monkeypatch, capsys):
    """Run a command in an empty project folder that knows the recipes `tiny` and `later`; returns (code, stderr)."""
    from dualalign.lab.__main__ import main

    monkeypatch.chdir(tmp_path)
    tiny = Recipe(name="tiny", base="package:gemma3-270m", batch_size=4, rank=2)
    monkeypatch.setitem(RECIPES, "tiny", tiny)
    monkeypatch.setitem(RECIPES, "later", replace(tiny, name="later", start="tiny", method="rlvr"))

    def run(*arguments) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["dualalign.lab", *map(str, arguments)])
        with pytest.raises(SystemExit) as stop:
            main()
        error = capsys.readouterr().err
        assert stop.value.code == 0 or error.count("\n") == 1
        return stop.value.code, error

    return run


def start_folder(config: dict, weights: str = "adapter_model.safetensors") -> Path:
    folder = Path("data/adapters/tiny")
    folder.mkdir(parents=True)
    (folder / "adapter_config.json").write_text(json.dumps({"peft_type": "LORA"} | config))
    (folder / weights).write_bytes(b"x")
    return folder


def test_a_start_that_is_missing_names_the_command(lab):
    assert lab("train", "later") == (
        2,
        "dualalign.lab: data/adapters/tiny: no weights; run: python -m dualalign.lab train tiny\n",
    )


def test_a_trace_without_weights_names_the_commands_in_order(lab, monkeypatch):
    pair = catalogue.Pair("later", plm="tiny")
    monkeypatch.setattr(catalogue, "PAIRS", {"later": pair})
    entry = catalogue.Entry("own.jsonl", "choices", pair="later")
    monkeypatch.setattr(catalogue, "CATALOGUE", {entry.name: entry})
    first, then = (f"python -m dualalign.lab train {name}" for name in ("tiny", "later"))
    assert f"data/adapters/tiny: no weights; run: {first}\n" in lab("trace", "later")[1]
    monkeypatch.setattr(catalogue, "PAIRS", {"later": replace(pair, plm="smollm2")})
    assert f"data/adapters/later: no weights; run: {first} && {then}\n" in lab("trace", "later")[1]
    start_folder({})
    assert f"data/adapters/later: no weights; run: {then}\n" in lab("trace")[1]


def test_what_is_refused_leaves_finished_weights_alone(lab):
    folder = start_folder({"base_model_name_or_path": "package:gemma3-270m"})
    finished = Path(shutil.copytree(folder, "data/adapters/later-own"))
    write_prints(QUESTIONS)
    save_file(QUESTIONS, Path("own.jsonl"))
    again = ("train", "later", "--questions", "own.jsonl", "--force")
    assert "stands in the evaluation set" in lab(*again)[1]
    (folder / "adapter_model.safetensors").unlink()
    assert "data/adapters/tiny: no weights" in lab(*again)[1]
    assert (finished / "adapter_model.safetensors").read_bytes() == b"x"


def test_a_start_of_another_base_is_refused(lab):
    start_folder({"base_model_name_or_path": OTHER})
    code, error = lab("train", "later")
    assert code == 2
    assert f"data/adapters/tiny: an adapter for {OTHER}, not for package:gemma3-270m" in error


@pytest.mark.parametrize("name", ["adapter_model.bin", "pytorch_model.bin"])
def test_a_pickled_start_is_refused(lab, name):
    start_folder({"base_model_name_or_path": "package:gemma3-270m"}, name)
    code, error = lab("train", "later")
    assert code == 2
    assert f"data/adapters/tiny/{name}: pickled, which can run code when read; run: python -m" in error


def test_a_start_that_is_a_whole_model_is_refused(lab):
    folder = start_folder({}, "model.safetensors")
    (folder / "adapter_config.json").unlink()
    assert "data/adapters/tiny: no readable adapter_config.json" in lab("train", "later")[1]


def write_prints(questions, role: str = "evaluation") -> None:
    pool.FINGERPRINTS.parent.mkdir(parents=True)
    rows = [(role, "medmcqa/validation", q.id, pool.fingerprint(q)) for q in questions]
    pd.DataFrame(rows, columns=["role", "set", "id", "fingerprint"]).to_parquet(pool.FINGERPRINTS)


def test_questions_that_evaluate_are_refused_by_file_row_and_set(lab):
    disguised = replace(QUESTIONS[2], id="mine", question=QUESTIONS[2].question.upper() + " ?!", options=("x", "y"))
    save_file([replace(QUESTIONS[0], question="something else"), disguised], Path("own.jsonl"))
    write_prints(QUESTIONS)
    code, error = lab("train", "tiny", "--questions", "own.jsonl")
    assert code == 2
    assert "own.jsonl, question 2 (id 'mine'): stands in the evaluation set medmcqa/validation; remove it" in error
    assert "(1 of 2 questions" in error


def test_questions_of_the_pool_are_free(lab, tmp_path):
    write_prints(QUESTIONS, "pool")
    save_file(QUESTIONS, tmp_path / "own.jsonl")
    assert pool.own_pool(tmp_path / "own.jsonl") == QUESTIONS


def test_without_fingerprints_or_answers_no_question_trains(lab):
    save_file(QUESTIONS, Path("own.jsonl"))
    code, error = lab("train", "tiny", "--questions", "own.jsonl")
    assert code == 2
    assert "data/questions/fingerprints.parquet: missing" in error
    save_file([*QUESTIONS, replace(QUESTIONS[0], id="open", answer=None)], Path("own.jsonl"))
    assert (
        f"own.jsonl, question {len(QUESTIONS) + 1} (id 'open'): no answer"
        in lab("train", "tiny", "--questions", "own.jsonl")[1]
    )
    assert "absent.jsonl: no such question file" in lab("train", "tiny", "--questions", "absent.jsonl")[1]


def test_the_shipped_fingerprints_know_the_shipped_sample():
    met = pool.evaluated(pool.load(ROOT / "data/questions/arc-easy.jsonl"), ROOT / pool.FINGERPRINTS)
    assert len(met) == 200
    assert set(met.values()) == {"arc-easy/test"}


def test_an_adapter_of_another_package_is_refused_and_other_names_are_not(tmp_path):
    from dualalign.models.spec import ModelSpec, check_base

    config = tmp_path / "adapter_config.json"
    (tmp_path / "adapter_model.safetensors").write_bytes(b"x")
    config.write_text(json.dumps({"peft_type": "LORA", "base_model_name_or_path": OTHER}))
    with pytest.raises(ValueError, match=f"an adapter for {OTHER}, not for package:gemma3-270m"):
        ModelSpec("package:gemma3-270m", str(tmp_path)).check()
    for source in (OTHER, "HuggingFaceTB/SmolLM2-135M-Instruct", "some/folder"):
        check_base(tmp_path, source)
    for base in ("google/gemma-3-270m", None):
        config.write_text(json.dumps({"peft_type": "LORA", "base_model_name_or_path": base}))
        check_base(tmp_path, "package:gemma3-270m")


@pytest.fixture(scope="module")
def bases(tmp_path_factory):
    """Three models: one, one that is wider, one with fewer layers."""
    made = tmp_path_factory.mktemp("bases")
    changes = {"base": {}, "wide": {"hidden_size": 64}, "shallow": {"num_hidden_layers": 2}}
    return {name: save_tiny(made / name, **change) for name, change in changes.items()}


@pytest.mark.models
def test_own_questions_train_into_a_folder_of_their_own_and_chains_go_on(lab, bases, monkeypatch):
    for name in ("tiny", "later"):
        monkeypatch.setitem(RECIPES, name, replace(RECIPES[name], base=str(bases["base"])))
    write_prints([])
    save_file(QUESTIONS, Path("own.jsonl"))
    assert lab("train", "tiny", "--questions", "own.jsonl")[0] == 0
    folder = Path("data/adapters/tiny-own")
    record = json.loads((folder / "run.json").read_text())
    assert record["questions"] == len(QUESTIONS)
    assert "exists; remove it, or give --force" in lab("train", "tiny", "--questions", "own.jsonl")[1]
    assert lab("train", "tiny", "--questions", "own.jsonl", "--force")[0] == 0
    assert json.loads((folder / "run.json").read_text())["sha256"] == record["sha256"]
    shutil.copytree(folder, "data/adapters/tiny")
    for wrong in ("wide", "shallow"):  # weights that do not fit, and weights that have no place
        monkeypatch.setitem(RECIPES, "later", replace(RECIPES["later"], base=str(bases[wrong])))
        code, error = lab("train", "later", "--questions", "own.jsonl")
        assert code == 2
        assert "data/adapters/tiny: adapter does not fit" in error
    monkeypatch.setitem(RECIPES, "later", replace(RECIPES["later"], base=str(bases["base"])))
    assert lab("train", "later", "--questions", "own.jsonl")[0] == 0
    monkeypatch.setitem(RECIPES, "tiny", replace(RECIPES["tiny"], mix={"letters": 0.0}))
    shutil.rmtree(folder)
    assert "questions: none of" in lab("train", "tiny", "--questions", "own.jsonl")[1]


def test_a_chain_is_in_the_order_of_training():
    assert runs.chain("sft1-dpo-rlvr") == ["plm", "sft1", "sft1-dpo", "sft1-dpo-rlvr"]
    assert runs.chain("smollm2-sft4") == ["smollm2-sft4"]


@pytest.mark.models
def test_development_questions_among_ones_own_do_not_develop(monkeypatch):
    from models_kit import tiny_tokenizer

    many = [replace(q, id=f"{q.id}/{i}", question=f"{q.question} {'red ' * i}") for i in range(40) for q in QUESTIONS]
    monkeypatch.setattr(pool, "training_pool", lambda mirror: many)
    _, held = pool.split_dev(many)
    recipe = Recipe(name="t", tail=0.5)
    examples, dev = runs.examples_of(recipe, tiny_tokenizer(), None, held[:3])
    assert {e.id for e in examples} == {q.id for q in held[:3]}
    assert dev
    assert not {e.id for e in dev} & {e.id for e in examples}
    assert runs.examples_of(replace(recipe, tail=0.0), tiny_tokenizer(), None, held[:3])[1] == []
