"""The workflows: the commands of .ci/run and no others, small permissions, pinned actions, no stranger's text run."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

yaml = pytest.importorskip("yaml")

ROOT = Path(__file__).resolve().parent.parent
TEXTS = {path.stem: path.read_text(encoding="utf-8") for path in (ROOT / ".github/workflows").glob("*.yml")}
FLOWS = {name: yaml.safe_load(text) for name, text in TEXTS.items()}
JOBS = {(flow, job): body for flow, loaded in FLOWS.items() for job, body in loaded["jobs"].items()}
STEPS = [(flow, job, step) for (flow, job), body in JOBS.items() for step in body.get("steps", [])]
TRIGGERS = {
    "checks": {"workflow_call"},
    "ci": {"push", "pull_request"},
    "nightly": {"schedule", "workflow_dispatch"},
    "release": {"push"},
}
MORE_THAN_READING = {
    ("ci", "publish"): {"pages": "write", "id-token": "write"},
    ("release", "assets"): {"contents": "write"},
    ("release", "package"): {"id-token": "write"},
}
# Asks the vulnerability services of pip and npm, which are not in reach wherever .ci/run is.
ELSEWHERE = {"audit"}


def targets(text: str) -> set[str]:
    return set(re.findall(r"(?:^|run: |start \S+ |&& )\s*make ([a-z][a-z-]*)", text, re.MULTILINE))


def test_every_workflow_is_known_with_what_starts_it():
    # PyYAML reads the key `on` as true. A pull_request_target would run with the rights of this repository.
    assert {name: set(flow[True]) for name, flow in FLOWS.items()} == TRIGGERS
    assert FLOWS["ci"][True]["push"] == {"branches": ["main"]}
    assert FLOWS["release"][True]["push"] == {"tags": ["v*"]}


def test_permissions_are_reading_but_for_what_publishes():
    assert all(flow["permissions"] == {"contents": "read"} for flow in FLOWS.values())
    assert {name: job["permissions"] for name, job in JOBS.items() if "permissions" in job} == MORE_THAN_READING


def test_what_may_write_runs_no_code_of_the_checkout():
    for flow, job, step in STEPS:
        if (flow, job) in MORE_THAN_READING:
            assert "checkout" not in step.get("uses", "")
            assert "make" not in step.get("run", "")


def test_actions_are_pinned_by_commit_and_say_their_version():
    used = [line.strip().removeprefix("- ") for text in TEXTS.values() for line in text.splitlines() if "uses:" in line]
    assert used
    pinned = re.compile(r"uses: (\./\.github/workflows/checks\.yml|[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+)")
    assert [line for line in used if not pinned.fullmatch(line)] == []


def test_an_action_has_one_version():
    named = {use for _, _, step in STEPS if (use := step.get("uses"))}
    assert len({use.partition("@")[0] for use in named}) == len(named)


def test_checkouts_leave_no_credentials():
    checkouts = [step for *_, step in STEPS if step.get("uses", "").startswith("actions/checkout@")]
    assert checkouts
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)


def test_no_expression_is_pasted_into_a_script():
    assert [step["run"] for *_, step in STEPS if "${{" in step.get("run", "")] == []


def test_expressions_name_nothing_that_a_stranger_writes_and_no_secret():
    named = {e.strip() for text in TEXTS.values() for e in re.findall(r"\$\{\{(.*?)\}\}", text)}
    assert named
    assert [e for e in named if re.search(r"github\.(event\b(?!_name)|head_ref|actor)|secrets|inputs", e)] == []


def test_every_job_ends_by_itself():
    assert [
        name for name, job in JOBS.items() if "uses" not in job and not 0 < job.get("timeout-minutes", 0) < 360
    ] == []


def test_the_checks_are_the_commands_of_the_ci_script():
    script = targets((ROOT / ".ci/run").read_text(encoding="utf-8"))
    assert {"test", "book", "check", "live", "pdf", "test-core", "course-test", "wheel-test", "release"} <= script
    assert targets(TEXTS["checks"]) == script


def test_other_workflows_add_only_what_is_said_here():
    assert targets(TEXTS["ci"]) == ELSEWHERE
    assert targets(TEXTS["release"]) == set()
    assert targets(TEXTS["nightly"]) >= ELSEWHERE
    for flow in ("ci", "release"):
        assert FLOWS[flow]["jobs"]["checks"] == {"uses": "./.github/workflows/checks.yml"}


def test_nothing_is_published_before_the_checks():
    needs = {name: job.get("needs") for name, job in JOBS.items() if name in MORE_THAN_READING}
    assert needs == {("ci", "publish"): "checks", ("release", "assets"): "checks", ("release", "package"): "assets"}


def test_every_python_of_the_project_is_checked():
    pythons = FLOWS["checks"]["jobs"]["test"]["strategy"]["matrix"]["python"]
    classifiers = re.findall(r'"Programming Language :: Python :: (3\.\d+)"', (ROOT / "pyproject.toml").read_text())
    assert pythons == classifiers
