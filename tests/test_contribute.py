"""CONTRIBUTING and its three pages: every file, target and command they name exists, and what they show works."""

from __future__ import annotations

import re
import shlex
import sys
import types
from pathlib import Path

import numpy as np
import pytest
import typer

import dualalign as da

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "book" / "contribute"
PAGES = {path.stem: path.read_text("utf-8") for path in [ROOT / "CONTRIBUTING.md", *sorted(FOLDER.glob("*.md"))]}
FENCE = re.compile(r"^(`{3,})(\w*)\n(.*?)^\1$", re.DOTALL | re.MULTILINE)
MADE = re.compile(r"^(\.venv|_build|few)/|/mine__|^arc-easy/test$")  # what commands make, and a set of the hub


def blocks(page: str, language: str) -> list[str]:
    """The fenced blocks of a page in one language."""
    return [text for _, found, text in FENCE.findall(PAGES[page]) if found == language]


def commands(page: str) -> list[str]:
    """Shell lines of a page, joined where they go on, without comments; code spans that are a command are lines too."""
    lines = "\n".join(blocks(page, "bash")).replace("\\\n", " ").splitlines()
    spans = re.findall(r"`((?:make|\.venv/bin/\w+) [^`]+)`", FENCE.sub("", PAGES[page]))
    return [line.split(" #")[0].strip() for line in [*lines, *spans] if line.strip()]


def words(page: str) -> set[str]:
    """What stands in command lines, code spans and links, word by word."""
    text = FENCE.sub("", PAGES[page])
    spans = re.findall(r"`([^`]+)`", text) + re.findall(r"\]\((?![a-z]+:)([^)#]+)\)", text)
    return {word.strip("'") for line in [*commands(page), *spans] for word in line.split()}


@pytest.mark.parametrize("page", PAGES)
def test_every_file_that_is_named_exists(page):
    paths = {word for word in words(page) if "/" in word and re.fullmatch(r"[\w.*/-]+", word) and not MADE.search(word)}
    assert len(paths) > 5
    for path in sorted(paths):
        placeholder = re.search(r"NN|NAME", path)  # a file of the reader's: its folder is there
        assert list(ROOT.glob(str(Path(path).parent if placeholder else path))), f"{page} names {path}"


@pytest.mark.parametrize("page", PAGES)
def test_every_target_of_make_exists(page):
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    named = set(re.findall(r"\bmake ([a-z-]+)", " ".join(commands(page))))
    assert named
    assert named <= targets


OURS = re.compile(r"^\.venv/bin/(dualalign|python -m dualalign\.\w+) (.+)")


def known_options(program: str, first: str) -> set[str]:
    """The options of one of our command lines, or of its command called `first`."""
    from dualalign import cli
    from dualalign.experiments import command
    from dualalign.lab import __main__ as lab

    apps = {"dualalign": cli.app, "python -m dualalign.experiments": command.app, "python -m dualalign.lab": lab.app}
    found = typer.main.get_command(apps[program])
    found = getattr(found, "commands", {}).get(first) or found
    assert isinstance(found, typer.core.TyperCommand), first
    return {option for parameter in found.params for option in parameter.opts}


@pytest.mark.parametrize("page", ["method", "pair"])
def test_every_command_and_option_of_ours_exists(page):
    lines = [match.groups() for match in map(OURS.match, commands(page)) if match]
    assert len(lines) > 3
    for program, rest in lines:
        words = shlex.split(rest)
        assert {word for word in words if word.startswith("--")} <= known_options(program, words[0]), rest


def test_the_method_of_the_page_makes_the_mean_confidences_equal(random_traces):
    module = types.ModuleType("dualalign.calibrators.page")
    module.__package__ = "dualalign.calibrators"
    sys.modules[module.__name__] = module  # where a dataclass looks for its names
    exec(blocks("method", "python")[0], vars(module))
    traces = random_traces(200, padded=True)
    found = module.MeanConfidence().fit(traces)
    p = np.exp(traces.plm_final - np.logaddexp.reduce(traces.plm_final, axis=1, keepdims=True))
    assert found.confidence(traces).mean() == pytest.approx(p.max(axis=1).mean(), abs=1e-6)
    assert found.temperature_ > 1
    assert found.n_fit_ == 200
    assert (found.predict_proba(traces).argmax(axis=1) == traces.polm_final.argmax(axis=1)).all()


def test_the_chapter_of_the_page_passes_the_checks_of_the_book():
    jupytext = pytest.importorskip("jupytext")
    import check_book
    import check_pairs

    script, exercise = blocks("chapter", "python")
    cells = jupytext.reads(script, "py:percent").cells
    assert [*check_book.page_faults(cells, ["two-answers"]), *check_pairs.style_faults(cells)] == []
    names: dict[str, object] = {}
    exec(exercise, names)
    assert da.course.faults(names["EXERCISES"]) == []
    without = script.replace("**Next:**", "Next:")
    assert check_book.page_faults(jupytext.reads(without, "py:percent").cells, []) != []


@pytest.mark.models
def test_the_pair_of_the_page_is_traced_and_found_by_the_experiments(tmp_path, monkeypatch):
    import models_kit

    from dualalign.cli import main
    from dualalign.experiments import run

    trace, *_ = commands("pair")
    folders = {
        name: str(models_kit.save_tiny(tmp_path / name, seed=seed, max_position_embeddings=512))
        for seed, name in enumerate(("BASE_MODEL", "POST_TRAINED_MODEL"))
    }
    line = [folders.get(word, word) for word in shlex.split(trace)[1:]]
    line[line.index("--out") + 1] = str(tmp_path / Path(line[-1]).name)
    monkeypatch.setattr(sys, "argv", ["dualalign", *line, "--limit", "12"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 0
    assert da.Traces.load(next(tmp_path.glob("mine__*.safetensors"))).metadata["polm"] == "mine"
    assert [job.why for job in run.plan("main", tmp_path, tmp_path / "table")] == ["no rows yet"]
