"""One self-contained HTML page on a pair, or on several: verdict, checks, drift, and the methods side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from dualalign.checks import Check
from dualalign.report.checks import Verdict, judge
from dualalign.report.methods import side_by_side

if TYPE_CHECKING:
    from dualalign.questions import Question
    from dualalign.traces import Traces

__all__ = ["Check", "Verdict", "judge", "side_by_side", "write_report"]


def write_report(
    traces: Traces | str | Path | Iterable[Traces | str | Path],
    out: str | Path,
    questions: str | Path | Iterable[Question] | None = None,
    tell: Callable[[str], None] = lambda name: None,
) -> Path:
    """Write a report on one trace, or on several in one page.

    The page holds its figures and styles, makes no request and is written in one piece: a reader sees the old page or
    the whole new one. The same traces give the same bytes.

    Parameters
    ----------
    traces : Traces, path, or several of them
    out : path of the HTML file; its folder must exist
    questions : file of the questions, or themselves, so that the page can show what was asked
    tell : called with each trace's name before it is looked at, to show that something happens

    Returns
    -------
    Path
        ``out``.

    Raises
    ------
    ValueError
        For a trace or a question file that cannot be read, a trace without a question, questions of which none is in
        the traces, no trace at all, or an ``out`` that cannot be written: one line that names the file.
    """
    from dualalign.report.page import page
    from dualalign.traces import Traces
    from dualalign.traces.artifact import write_whole
    from dualalign.traces.validate import check_target

    out, listed = Path(out), _listed(traces)
    check_target(out, [one for one in listed if not isinstance(one, Traces)])
    loaded = [_loaded(one) for one in listed]
    if not loaded:
        raise ValueError("traces is empty; give at least one trace file")
    bare = [name for name, each in loaded if not len(each)]
    if bare:
        raise ValueError(f"{bare[0]}: holds no question; there is nothing to report on")
    write_whole(out, page(loaded, _asked(questions, loaded), tell).encode(errors="replace"))  # a name may be no text
    return out


def _asked(
    questions: str | Path | Iterable[Question] | None, loaded: list[tuple[str, Traces]]
) -> dict[str, Question] | None:
    """Return the questions by id."""
    if questions is None:
        return None
    from dualalign.questions import load

    name = str(questions) if isinstance(questions, (str, Path)) else "questions"
    asked = {q.id: q for q in (load(questions) if isinstance(questions, (str, Path)) else questions)}
    if not any(one in asked for _, traces in loaded for one in traces.question_ids):
        raise ValueError(f"{name}: none of its questions stands in the traces; give the file that was traced")
    return asked


def _listed(traces: Traces | str | Path | Iterable[Traces | str | Path]) -> list[Traces | str | Path]:
    from dualalign.traces import Traces

    return [traces] if isinstance(traces, (str, Path, Traces)) else list(traces)


def _loaded(one: Traces | str | Path) -> tuple[str, Traces]:
    """Return a trace and what to call it: its file name, or its pair of models."""
    from dualalign.traces import Traces

    if isinstance(one, Traces):
        return " and ".join(one.metadata.get(key) or f"unnamed {key}" for key in ("plm", "polm")), one
    return Path(one).name, Traces.load(one)
