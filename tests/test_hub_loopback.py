"""The hub's own clients against a server on loopback: what is fetched, pinned, refused, and found to be damaged."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hub_kit import Repository, hub
from models_kit import save_tiny, tiny_model

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
        return {"logits": logits.tolist(), "name": loaded.name, "commit": loaded.spec.commit}
    except ValueError as e:
        return {"error": str(e)}

print(json.dumps({name: attempt(case) for name, case in json.loads(sys.argv[1]).items()}))
"""


def ask(address: str, home: Path, cases: dict[str, dict]) -> dict[str, dict]:
    """Run cases in a process whose hub is at an address, with a cache of its own."""
    environment = {k: v for k, v in os.environ.items() if k not in ("HF_HUB_OFFLINE", "DUALALIGN_MIRROR", "HF_TOKEN")}
    environment |= {"HF_ENDPOINT": address, "HF_HOME": str(home), "DUALALIGN_CACHE": str(home / "ours")}
    environment |= {"HF_HUB_DISABLE_TELEMETRY": "1", "HF_HUB_DISABLE_XET": "1", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", ASK, json.dumps(cases), json.dumps([PROMPTS, IDS])]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=180)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


ARC = [
    {"id": "x", "question": "Why?", "choices": {"text": ["a", "b"], "label": ["A", "B"]}, "answerKey": "B"},
    {"id": "y", "question": "Who?", "choices": {"text": ["c", "d"], "label": ["1", "2"]}, "answerKey": "1"},
]
CARD = """---
configs:
- config_name: ARC-Easy
  data_files:
  - split: test
    path: ARC-Easy/test-00000-of-00001.parquet
---
"""


@pytest.fixture(scope="module")
def shelf(tmp_path_factory):
    """Repositories: two models, one of them in two versions, an adapter, a question set, and one for each fault."""
    import pandas as pd
    import peft

    root = tmp_path_factory.mktemp("shelf")
    first, second = (save_tiny(root / f"v{seed}", seed=seed) for seed in (0, 1))
    peft.get_peft_model(tiny_model(), peft.LoraConfig(r=2, target_modules=["q_proj"])).save_pretrained(root / "lora")
    (root / "arc" / "ARC-Easy").mkdir(parents=True)
    pd.DataFrame(ARC).to_parquet(root / "arc/ARC-Easy/test-00000-of-00001.parquet")
    (root / "arc/README.md").write_text(CARD)
    repositories = {
        "some/base": Repository({"main": first, "v2": second}),
        "some/lora": Repository({"main": root / "lora"}),
        "allenai/ai2_arc": Repository({"main": root / "arc"}, kind="dataset"),
    }
    for name in ("dropped", "always dropped", "wrong hash", "gated"):
        repositories[f"faulty/{name.replace(' ', '-')}"] = Repository({"main": first}, name)
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
        "adapter": {"model": ["some/base", "some/lora"]},
        "no adapter": {"model": ["some/base", "some/nothing@v1"]},
        "dropped": {"model": ["faulty/dropped"]},
        "always dropped": {"model": ["faulty/always-dropped"]},
        "wrong hash": {"model": ["faulty/wrong-hash"]},
        "wrong hash again": {"model": ["faulty/wrong-hash"]},
        "gated": {"model": ["faulty/gated"]},
        "set": {"set": "arc-easy/test"},
        "no set": {"set": "openbookqa/test"},
    }
    home = tmp_path_factory.mktemp("home")
    with hub(repositories) as (address, asked):
        answers = ask(address, home, cases)
    offline = ask(
        address, home, {"cached": cases["main"], "not cached": cases["no name"], "damaged": cases["wrong hash"]}
    )
    return answers | offline, asked


def logits(folder) -> np.ndarray:
    from dualalign.models import load_model

    return load_model(folder).lens(PROMPTS, IDS)


@pytest.mark.parametrize(("case", "folder"), [("main", "v0"), ("v2", "v1"), ("dropped", "v0"), ("cached", "v0")])
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


def test_an_adapter_comes_from_the_hub_too(found):
    assert found[0]["adapter"]["name"] == "some/base+some/lora"
    np.testing.assert_allclose(found[0]["adapter"]["logits"], found[0]["main"]["logits"], rtol=1e-4)  # B is zero


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
