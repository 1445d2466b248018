"""How a long run tells how far it has come."""

from __future__ import annotations

import pytest

from dualalign.traces import progress
from dualalign.traces.progress import duration, per_second


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (59.4, "59 s"),
        (59.6, "1 min 0 s"),
        (200, "3 min 20 s"),
        (3599.7, "1 h 0 min"),
        (18_725, "5 h 12 min"),
        (183_600, "2 d 3 h"),
    ],
)
def test_time_left_in_units_that_people_use(seconds, words):
    assert duration(seconds) == words


def test_rates_below_one_keep_their_digits():
    assert [per_second(rate) for rate in (123.44, 1.0, 0.034, 0.0)] == ["123.4", "1.0", "0.034", "0.0"]


def told(monkeypatch, capsys, times: list[float], steps: list[int], done: int = 0) -> str:
    clock = iter(times)
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))
    with progress.progress("polm chat", 100_000, done) as advance:
        for step in steps:
            advance(step)
    return capsys.readouterr().err


def test_a_resumed_run_counts_its_own_rate_only(monkeypatch, capsys):
    said = told(monkeypatch, capsys, [0.0, 100.0], [100], done=40_000)
    assert said == "polm chat: 40100 of 100000 questions, 1.0 a second, 16 h 38 min left\n"


def test_nothing_finished_yet_is_no_division_by_zero(monkeypatch, capsys):
    assert "0.0 a second, unknown time left" in told(monkeypatch, capsys, [0.0, 60.0], [0])


def test_silence_where_none_is_asked_for(capsys):
    with progress.progress("plm base", 10, show=False) as advance:
        advance(10)
    assert capsys.readouterr() == ("", "")
