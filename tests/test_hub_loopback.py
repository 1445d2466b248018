"""The hub's own clients against a server on loopback: what is fetched, pinned, refused, and found to be damaged."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hub_kit import Repository, hub
from models_kit import save_tiny, tiny_model, tiny_tokenizer
from no_network import python_path

pytestmark = pytest.mark.models
ROOT = Path(__file__).resolve().parent.parent
PROMPTS, IDS = [[3, 4, 5, 6], [7, 8]], [[5, 9, 33], [7, 8, 60]]

# Every case runs in one process, since torch takes seconds to import and the clients read the address when imported.
ASK = """
import json, sys
from dualalign.models import load_model
from dualalign.questions import load

def attempt(case):
    try:
        if "set" in case:
            questions = load(case["set"])
            return {"questions": [q.to_row() for q in questions]}
        loaded = load_model(*case["model"], **case.get("options", {}))
        logits = loaded.lens(*json.loads(sys.argv[2]))
        spec = loaded.spec
        return {"logits": logits.tolist(), "name": loaded.name, "commit": spec.commit, "commits": spec.commits}
    except ValueError as e:
        return {"error": str(e)}

print(json.dumps({name: attempt(case) for name, case in json.loads(sys.argv[1]).items()}))
"""


def ask(address: str, home: Path, cases: dict[str, dict]) -> dict[str, dict]:
    """Run cases in a process whose hub is at an address, with a cache of its own."""
    environment = {k: v for k, v in os.environ.items() if k not in ("HF_HUB_OFFLINE", "DUALALIGN_MIRROR", "HF_TOKEN")}
    environment |= {"HF_ENDPOINT": address, "HF_HOME": str(home), "DUALALIGN_CACHE": str(home / "ours")}
    environment |= {"HF_HUB_DISABLE_TELEMETRY": "1", "HF_HUB_DISABLE_XET": "1", "PYTHONPATH": python_path(ROOT)}
    command = [sys.executable, "-c", ASK, json.dumps(cases), json.dumps([PROMPTS, IDS])]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


ARC = [
    {"id": "x", "question": "Why?", "choices": {"text": ["a", "b"], "label": ["A", "B"]}, "answerKey": "B"},
    {"id": "y", "question": "Who?", "choices": {"text": ["c", "d"], "label": ["1", "2"]}, "answerKey": "1"},
]
MMLU = [{"question": "Why?", "choices": ["a", "b", "c", "d"], "answer": 3, "subject": "anatomy"}]
CARD = """---
configs:
- config_name: CONFIG
  data_files:
  - split: test
    path: CONFIG/test-00000-of-00001.parquet
---
"""


def save_set(folder: Path, config: str, rows: list[dict]) -> Path:
    """Write a question set as it lies on the hub."""
    import pandas as pd

    (folder / config).mkdir(parents=True)
    pd.DataFrame(rows).to_parquet(folder / config / "test-00000-of-00001.parquet", compression=None)
    (folder / "README.md").write_text(CARD.replace("CONFIG", config))
    return folder


@pytest.fixture(scope="module")
def shelf(tmp_path_factory):
    """Repositories: two models, one of them in two versions, an adapter, a question set, and one for each fault."""
    import peft

    root = tmp_path_factory.mktemp("shelf")
    first, second = (save_tiny(root / f"v{seed}", seed=seed) for seed in (0, 1))
    peft.get_peft_model(tiny_model(), peft.LoraConfig(r=2, target_modules=["q_proj"])).save_pretrained(root / "lora")
    tiny_model().save_pretrained(root / "many", max_shard_size="20KB")
    tiny_tokenizer().save_pretrained(root / "many")
    shutil.copytree(root / "many", root / "outside")
    index = root / "outside/model.safetensors.index.json"
    index.write_text(index.read_text().replace('"model-00002', '"../../model-00002'))
    repositories = {
        "some/base": Repository({"main": first, "v2": second}),
        "some/lora": Repository({"main": root / "lora"}),
        "some/many": Repository({"main": root / "many"}),
        "faulty/outside": Repository({"main": root / "outside"}),
        "allenai/ai2_arc": Repository({"main": save_set(root / "arc", "ARC-Easy", ARC)}, kind="dataset"),
        "cais/mmlu": Repository({"main": save_set(root / "mmlu", "all", MMLU)}, "wrong hash", kind="dataset"),
    }
    for name in ("dropped", "always dropped", "wrong hash", "gated"):
        folder = root / "many" if name == "always dropped" else first
        repositories[f"faulty/{name.replace(' ', '-')}"] = Repository({"main": folder}, name)
    return root, repositories


@pytest.fixture(scope="module")
def found(shelf, tmp_path_factory):
    """What every case gave, and what the server was asked."""
    _, repositories = shelf
    cases = {
        "main": {"model": ["some/base"]},
        "v2": {"model": ["some/base"], "options": {"revision": "v2"}},
        "no revision": {"model": ["some/base"], "options": {"revision": "v9"}},
        "no name": {"model": ["some/thing-else"]},
        "adapter": {"model": ["some/base@v2", "some/lora"]},
        "many": {"model": ["some/many"]},
        "outside": {"model": ["faulty/outside"]},
        "no adapter": {"model": ["some/base", "some/nothing@v1"]},
        "dropped": {"model": ["faulty/dropped"]},
        "always dropped": {"model": ["faulty/always-dropped"]},
        "wrong hash": {"model": ["faulty/wrong-hash"]},
        "wrong hash again": {"model": ["faulty/wrong-hash"]},
        "gated": {"model": ["faulty/gated"]},
        "set": {"set": "arc-easy/test"},
        "damaged set": {"set": "mmlu/test"},
        "damaged set again": {"set": "mmlu/test"},
        "no set": {"set": "openbookqa/test"},
    }
    home = tmp_path_factory.mktemp("home")
    with hub(repositories) as (address, asked):
        answers = ask(address, home, cases)
    again = {"cached": "main", "not cached": "no name", "damaged": "wrong hash", "many, cached": "many"}
    again |= {"half, cached": "always dropped", "adapter, cached": "adapter"}
    offline = ask(address, home, {name: cases[case] for name, case in again.items()})
    return answers | offline, asked


def logits(folder) -> np.ndarray:
    from dualalign.models import load_model

    return load_model(folder).lens(PROMPTS, IDS)


@pytest.mark.parametrize(
    ("case", "folder"),
    [("main", "v0"), ("v2", "v1"), ("dropped", "v0"), ("cached", "v0"), ("many", "many"), ("many, cached", "many")],
)
def test_what_was_published_is_what_is_read(found, shelf, case, folder):
    assert "error" not in found[0][case], found[0][case]["error"]
    np.testing.assert_array_equal(found[0][case]["logits"], logits(shelf[0] / folder))


def test_a_revision_is_pinned_to_its_commit(found, shelf):
    base = shelf[1]["some/base"]
    assert [found[0][case]["commit"] for case in ("main", "v2")] == [base.commit("main"), base.commit("v2")]
    assert found[0]["v2"]["name"] == "some/base@v2"
    weights = [path for path in found[1] if "/some/base/resolve/" in path and "model.safetensors" in path]
    assert weights
    assert all(base.commit("main") in path or base.commit("v2") in path for path in weights)  # never a moving branch


def test_a_model_in_the_cache_needs_no_hub_and_tells_its_commit(found, shelf):
    assert found[0]["cached"]["commit"] == shelf[1]["some/base"].commit("main")


@pytest.mark.parametrize("case", ["adapter", "adapter, cached"])
def test_an_adapter_comes_from_the_hub_too(found, shelf, case):
    assert found[0][case]["name"] == "some/base@v2+some/lora"
    np.testing.assert_allclose(found[0][case]["logits"], found[0]["v2"]["logits"], rtol=1e-4)  # B is zero
    base, lora = shelf[1]["some/base"], shelf[1]["some/lora"]
    assert found[0][case]["commits"] == f"{base.commit('v2')} + {lora.commit('main')}"


@pytest.mark.parametrize(
    ("case", "words"),
    [
        ("no name", ["some/thing-else: no such folder here", "the hub knows no such name, or it is private"]),
        ("no revision", ["some/base: ", "it has no such revision: check branch, tag or commit"]),
        ("gated", ["faulty/gated: ", "access must be asked for on its page, then log in"]),
        ("no adapter", ["some/nothing@v1: ", "the hub knows no such name"]),
        ("always dropped", ["faulty/always-dropped: cannot read the weights", "check network"]),
        ("wrong hash", ["faulty/wrong-hash: model.safetensors is not what the hub published (sha256); delete "]),
        ("wrong hash again", ["is not what the hub published"]),  # nor once it lies in the cache
        ("damaged", ["is not what the hub published"]),  # nor without the hub
        ("not cached", ["some/thing-else: no such folder here", "check name and network"]),
        (
            "half, cached",
            ["faulty/always-dropped: the hub cannot be asked, and the cache's copy is not whole: ", "lacks model-"],
        ),
        ("outside", ["faulty/outside: "]),
        ("damaged set", ["mmlu/test: test-00000-of-00001.parquet is not what the hub published (sha256); delete "]),
        ("damaged set again", ["mmlu/test: ", " is not what the hub published"]),
        ("no set", ["openbookqa/test: cannot load allenai/openbookqa from the hub", "--mirror FOLDER"]),
    ],
)
def test_what_the_hub_does_not_give_is_one_line(found, case, words):
    error = found[0][case].get("error", "nothing was raised")
    assert "\n" not in error
    for part in words:
        assert part in error


def test_a_question_set_comes_by_name(found):
    rows = found[0]["set"]["questions"]
    assert [(r["id"], r["options"], r["answer"]) for r in rows] == [
        ("arc_easy_test/0", ["a", "b"], 1),
        ("arc_easy_test/1", ["c", "d"], 0),
    ]
