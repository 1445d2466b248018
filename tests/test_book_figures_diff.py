"""Figures are compared build to build: one bar that moves is named and shown, the noise of antialiasing is not."""

from __future__ import annotations

import base64
import io
import json
from functools import cache

import numpy as np
import pytest

nbformat = pytest.importorskip("nbformat")
import figure_digest
import figures_diff
import freshness
import matplotlib as mpl
from matplotlib.figure import Figure
from PIL import Image

HEIGHTS = (3.0, 5.0, 2.0, 4.0)
PIXEL = 6 / 270  # of the axis, whose 6 units are 270 pixels high


@cache
def draw(heights=HEIGHTS, colour="C0", pad=0, **settings) -> bytes:
    """A bar chart with a curve and words, 500 by 350 pixels; its whole content moved to the right by `pad` pixels."""
    with mpl.rc_context({key.replace("_", "."): value for key, value in settings.items()}):
        figure = Figure(figsize=(5, 3.5), dpi=100)
        ax = figure.subplots()
        ax.bar(range(len(heights)), heights, color=colour)
        ax.plot(np.linspace(0, 3, 200), 2 + np.sin(np.linspace(0, 9, 200)), color="C1")
        ax.set(title="Mean confidence", xlabel="bins", ylim=(0, 6))
        out = io.BytesIO()
        figure.savefig(out, format="png")
    if not pad:
        return out.getvalue()
    sheet = Image.new("RGB", (500, 350), "white")
    sheet.paste(figure_digest.opaque(out.getvalue()), (pad, 0))
    moved = io.BytesIO()
    sheet.save(moved, "PNG")
    return moved.getvalue()


def with_noise(png: bytes, size: int = 32) -> bytes:
    """The picture with random noise wherever one pixel differs from the next: what another rasteriser would do."""
    pixels = np.asarray(figure_digest.opaque(png)).astype(int)
    edges = np.abs(np.diff(pixels, axis=1, prepend=pixels[:, :1])).sum(axis=2, keepdims=True) > 0
    noise = edges * np.random.default_rng(0).integers(-size, size + 1, pixels.shape)
    out = io.BytesIO()
    Image.fromarray(np.clip(pixels + noise, 0, 255).astype(np.uint8)).save(out, "PNG")
    return out.getvalue()


def build(root, pictures: dict[str, bytes], live=False, notebook="01_a"):
    """A checkout with one executed notebook that shows these pictures."""
    cells = []
    for name, png in pictures.items():
        data = {"image/png": base64.b64encode(png).decode()}
        shown = nbformat.v4.new_output("display_data", data=data)
        metadata = {"mystnb": {"figure": {"name": name}}}
        cells.append(nbformat.v4.new_code_cell("", outputs=[shown], metadata=metadata, id=f"c{len(cells)}"))
    record = {freshness.RECORD: {"parameters": {"live": live}}}
    for folder in ("notebooks", "book/notebooks"):
        (root / folder).mkdir(parents=True, exist_ok=True)
        nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=record), root / folder / f"{notebook}.ipynb")
    return root


def compare(root, *arguments):
    return figures_diff.main(["--root", str(root), *map(str, arguments)])


def page(root) -> str:
    return (root / "_build/figures/index.html").read_text(encoding="utf-8")


@pytest.fixture
def accepted(tmp_path):
    """A checkout whose two figures were accepted."""
    build(tmp_path, {"fig-a": draw(), "fig-b": draw((1, 2, 3))})
    assert compare(tmp_path, "--write") == 0
    return tmp_path


def test_what_was_accepted_agrees(accepted, capsys):
    assert compare(accepted) == 0
    assert "figures: 2, none moved" in capsys.readouterr().out
    assert "No figure moved" in page(accepted)


@pytest.mark.parametrize(
    "other",
    [
        with_noise(draw()),
        draw(text_hinting="none"),
        draw(text_antialiased=False),
        draw(pad=1),
        draw(pad=2),
    ],
    ids=["noise", "hinting", "antialiasing", "shift 1", "shift 2"],
)
def test_noise_and_a_shift_of_the_whole_are_no_move(accepted, other):
    assert figure_digest.pixels_digest(figure_digest.opaque(other)) != figure_digest.pixels_digest(
        figure_digest.opaque(draw())
    )
    build(accepted, {"fig-a": other, "fig-b": draw((1, 2, 3))})
    assert compare(accepted) == 0


@pytest.mark.parametrize(
    "other",
    [
        draw((3.0, 5.0 + 2 * PIXEL, 2.0, 4.0)),
        draw((3.0, 5.0, 2.0 - 3 * PIXEL, 4.0)),
        draw(colour=("C0", "C0", "C4", "C0")),
        draw(HEIGHTS[:3]),
        draw(pad=8),
    ],
    ids=["two pixels up", "three pixels down", "colour", "gone", "shift 8"],
)
def test_one_bar_that_moves_is_named_and_shown(accepted, capsys, other):
    build(accepted, {"fig-a": other, "fig-b": draw((1, 2, 3))})
    capsys.readouterr()
    assert compare(accepted) == 1
    out = capsys.readouterr().out
    assert "notebooks/01_a: fig-a moved (a cell by" in out
    assert "fig-b" not in out
    assert page(accepted).count('<img src="data:image/png;base64,') == 3  # before, after, difference
    assert compare(accepted) == 1, "a look does not accept"
    assert compare(accepted, "--write") == 0
    assert compare(accepted) == 0


def test_the_page_shows_the_last_picture_and_where_the_two_differ(accepted):
    build(accepted, {"fig-a": draw((3.0, 1.0, 2.0, 4.0)), "fig-b": draw((1, 2, 3))})
    compare(accepted)
    shown = [base64.b64decode(part.partition('"')[0]) for part in page(accepted).split("base64,")[1:]]
    before, after, difference = (figure_digest.opaque(png) for png in shown)
    assert before.tobytes() == figure_digest.opaque(draw()).tobytes()
    assert after.tobytes() == figure_digest.opaque(draw((3.0, 1.0, 2.0, 4.0))).tobytes()
    darkest = np.argwhere(np.asarray(difference)[..., 0] < 128)
    assert len(darkest)
    changed = np.argwhere((np.asarray(before) != np.asarray(after)).any(axis=2))
    assert (darkest.min(axis=0) >= changed.min(axis=0)).all()
    assert (darkest.max(axis=0) <= changed.max(axis=0)).all()


def test_without_the_last_picture_its_thumbnail_is_shown(accepted):
    for path in (accepted / "_build/figures").glob("*.png"):
        path.unlink()
    build(accepted, {"fig-a": draw((3.0, 1.0, 2.0, 4.0)), "fig-b": draw((1, 2, 3))})
    assert compare(accepted) == 1
    assert page(accepted).count("<img") == 3


def test_new_gone_resized(accepted, capsys):
    wide = figure_digest.opaque(draw()).resize((520, 350))
    out = io.BytesIO()
    wide.save(out, "PNG")
    build(accepted, {"fig-a": out.getvalue(), "fig-c": draw()})
    assert compare(accepted) == 1
    lines = capsys.readouterr().out
    assert "fig-a was 500 x 350 pixels, is 520 x 350" in lines
    assert "fig-b is gone" in lines
    assert "fig-c is new" in lines
    compare(accepted, "--write")
    assert json.loads((accepted / "book/figures.json").read_text()).keys() == {"fig-a", "fig-c"}
    assert compare(accepted) == 0


def test_accepting_one_figure_changes_one_line(accepted):
    before = (accepted / "book/figures.json").read_text().splitlines()
    build(accepted, {"fig-a": draw((3.0, 1.0, 2.0, 4.0)), "fig-b": with_noise(draw((1, 2, 3)))})
    compare(accepted, "--write")
    after = (accepted / "book/figures.json").read_text().splitlines()
    assert [a == b for a, b in zip(before, after, strict=True)] == [True, False, True, True]


def test_live_runs_are_not_compared(accepted):
    build(accepted, {"fig-a": draw((1, 1, 1, 1))}, live=True)
    assert compare(accepted) == 0
    compare(accepted, "--write")
    assert json.loads((accepted / "book/figures.json").read_text()).keys() == {"fig-a", "fig-b"}


def test_with_another_checkout(accepted, tmp_path, capsys):
    other = build(tmp_path / "other", {"fig-a": draw((3.0, 1.0, 2.0, 4.0)), "fig-b": draw((1, 2, 3))})
    assert compare(accepted, "--last", other) == 1
    assert "fig-a moved" in capsys.readouterr().out
    assert compare(other, "--last", accepted) == 1
    build(other, {"fig-a": draw(), "fig-b": draw((1, 2, 3))})
    assert compare(accepted, "--last", other) == 0


def test_names_that_are_no_file_names_and_missing_copies_are_one_line(tmp_path, capsys):
    build(tmp_path, {"<../x>": draw()})
    assert compare(tmp_path) == 2
    (tmp_path / "book/notebooks/01_a.ipynb").unlink()
    assert compare(tmp_path) == 2
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith("01_a-cell-1: the figure's name '<../x>'")
    assert lines[1] == "notebooks/01_a: no executed copy; run make book first"


def test_the_text_of_the_page_is_escaped():
    import figures_page

    text = figures_page.page({"<b>": "<i> & moved"}, {}, {}, {"<b>": Image.new("RGB", (9, 9))})
    assert "<b>" not in text
    assert "<i>" not in text
    assert 'alt="&lt;b&gt;, after"' in text
