"""The noise-floor explorer: the ECE that a perfectly calibrated model shows, by the number of questions and of bins.

Every draw is made by a generator that Python and the browser share, Mulberry32: draw 7 is the same answers in both, and
one of the 500 draws in the histogram. Question i of a draw uses its numbers 2i (which confidence) and 2i + 1 (right?).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from dualalign import metrics
from dualalign.plots.interactive import widget
from dualalign.plots.interactive.floor_drawing import BOX, HIGH, LEVELS, LOW, RULES, SIZE, SIZES, draw

BINS = (5, 10, 15, 20)
DRAWS = 500
KEPT = 20  # draws that stay visible
LIMIT = 2000  # confidences in one page: about 8 kB
FIRST = {"size": SIZES.index(300), "bins": 10, "draw": 1}
TITLE = (
    "On {count} questions in {bins} bins, a perfectly calibrated model with these confidences shows an ECE of {floor} "
    "on average, between {low} and {high} in 90 % of draws; draw {draw} shows {drawn}."
)
MEASURED = " The model itself shows {measured} on {total} questions; a share of {share} of the draws reaches that."
CELLS = (
    "<span><b>{count}</b> questions</span><span>{bins} bins</span><span>noise floor {floor}</span>"
    "<span>90 %: {low} to {high}</span><span>◆ draw {draw}: {drawn}</span>"
)
KNOWN = "<span>measured: {measured}</span><span>share of draws at or above it: {share}</span>"


@dataclass(frozen=True)
class FloorState:
    """What the page shows for a number of questions and bins: the floor, the 5 % and 95 % quantiles, and one draw.

    `measured` is the model's own ECE in these bins (None where no answers are known), `share` the share of the draws
    that reach it, `draws` the last 20 up to this one, `table` the floor and quantiles of every number of questions.
    """

    n: int
    bins: int
    floor: float
    low: float
    high: float
    drawn: float
    measured: float | None
    share: float | None
    draws: np.ndarray = field(repr=False)
    histogram: np.ndarray = field(repr=False)
    table: dict[str, np.ndarray] = field(repr=False)


@dataclass(frozen=True)
class FloorData:
    """Confidences in thousandths, (M,); by number of bins, the draws' errors (draws, sizes) and the measured ECE."""

    confidence: np.ndarray
    errors: dict[int, np.ndarray]
    measured: dict[int, float | None]
    total: int


def mulberry32(seed: int, count: int) -> np.ndarray:
    """Return the first numbers in [0, 1) of the generator Mulberry32 (public domain, T. Ettinger), as the page does."""
    a = np.uint32(seed) + np.arange(1, count + 1, dtype=np.uint32) * np.uint32(0x6D2B79F5)
    t = (a ^ (a >> np.uint32(15))) * (a | np.uint32(1))
    t = (t + (t ^ (t >> np.uint32(7))) * (t | np.uint32(61))) ^ t
    return (t ^ (t >> np.uint32(14))) / 2.0**32


def prepare_floor(confidence: np.ndarray, correct: np.ndarray | None = None, seed: int = 0) -> FloorData:
    """Simulate perfectly calibrated answers to up to 10,000 questions with confidences drawn from these.

    Parameters
    ----------
    confidence : (N,) probability of the predicted option; of more than 2,000 a seeded sample is used
    correct : (N,) whether it was right, for the measured ECE; None where unknown
    """
    confidence = np.asarray(confidence, dtype=np.float64)
    metrics.ece(confidence, np.zeros(len(confidence)) if correct is None else correct)  # refuses what is no confidence
    few = (
        np.random.default_rng(seed).choice(confidence, LIMIT, replace=False) if len(confidence) > LIMIT else confidence
    )
    whole = np.rint(few * 1000).astype(int)
    draws = [_draw(whole, seed, SIZES[-1]) for seed in range(1, DRAWS + 1)]
    errors = {bins: np.array([_errors(*one, bins) for one in draws]) for bins in BINS}
    known = {b: None if correct is None else float(metrics.ece(confidence, correct, bins=b)) for b in BINS}
    return FloorData(whole, errors, known, len(confidence))


def _draw(whole: np.ndarray, seed: int, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the confidences of n questions and whether each is answered rightly."""
    numbers = mulberry32(seed, 2 * n)
    confidence = whole[(numbers[::2] * len(whole)).astype(int)] / 1000
    return confidence, numbers[1::2] < confidence


def _errors(confidence: np.ndarray, correct: np.ndarray, bins: int) -> np.ndarray:
    """Return the ECE of the first n questions for every n of SIZES."""
    stage = np.searchsorted(SIZES, np.arange(len(confidence)), side="right")
    place = stage * bins + metrics.equal_width(confidence, bins)
    gaps = np.bincount(place, confidence - correct, len(SIZES) * bins).reshape(len(SIZES), bins)
    return np.abs(gaps.cumsum(axis=0)).sum(axis=1) / SIZES


def floor_state(
    confidence: np.ndarray, correct: np.ndarray | None = None, n: int = 300, bins: int = 10, draw: int = 1
) -> FloorState:
    """Compute what the page shows; ``n`` is one of its numbers of questions, 10, 15, 20, 30, 50, 70, 100 ... 10,000.

    Raises
    ------
    ValueError
        For another number of questions, or of bins than 5, 10, 15 or 20.
    """
    if n not in SIZES or bins not in BINS:
        raise ValueError(f"n is {n}, bins is {bins}; allowed are n in {SIZES} and bins in {BINS}")
    return _state(prepare_floor(confidence, correct), n, bins, draw)


def _state(data: FloorData, n: int, bins: int, draw: int) -> FloorState:
    table, at = _table(data, bins), SIZES.index(n)
    seeds = range(max(1, draw - KEPT + 1), draw + 1)
    draws = np.array([metrics.ece(*_draw(data.confidence, seed, n), bins=bins) for seed in seeds])
    return FloorState(
        n=n,
        bins=bins,
        floor=float(table["mean"][at]),
        low=float(table["low"][at]),
        high=float(table["high"][at]),
        drawn=float(draws[-1]),
        measured=data.measured[bins],
        share=None if table["share"] is None else float(table["share"][at]),
        draws=draws,
        histogram=table["counts"][at],
        table=table,
    )


def _table(data: FloorData, bins: int) -> dict[str, np.ndarray]:
    """Summarise the draws of every number of questions, in six decimals."""
    errors, measured = data.errors[bins], data.measured[bins]
    low, high = np.quantile(errors, [0.05, 0.95], axis=0).round(6)
    share = None if measured is None else (errors >= measured).mean(axis=0).round(6)
    place = np.log10(np.clip(errors, LOW, HIGH) / LOW) / np.log10(HIGH / LOW) * LEVELS
    place = np.minimum(place.astype(int), LEVELS - 1)
    counts = np.array([np.bincount(column, minlength=LEVELS) for column in place.T])
    return {"mean": errors.mean(axis=0).round(6), "low": low, "high": high, "share": share, "counts": counts}


def floor_explorer(
    confidence: np.ndarray, correct: np.ndarray | None = None, name: str = "confidence", answers: str = "correct"
) -> str:
    """Return the interactive figure as one HTML string of under 100 kB; parameters as `prepare_floor`.

    ``name`` and ``answers`` are what the arrays are called in the lines of Python that a reader copies. In a notebook:
    ``IPython.display.HTML(floor_explorer(confidence, correct))``.
    """
    data = prepare_floor(confidence, correct)
    state, known = _state(data, SIZES[FIRST["size"]], FIRST["bins"], FIRST["draw"]), correct is not None
    given = f"{name}, {answers}" if known else name
    call = f"plots.floor_state({given}, n={{n}}, bins={{bins}}, draw={{draw}})"
    title = TITLE + MEASURED.replace("{total}", f"{data.total:,}") if known else TITLE
    payload = _payload(data) | {"title": title, "code": f"from dualalign import plots\n{call}"}
    note = "shown are 300 questions in 10 bins."
    controls = _controls(widget.uid(payload))
    return widget.page("floor", payload, _texts(state), draw(state), CELLS + KNOWN * known, controls, note, SIZE, RULES)


def _payload(data: FloorData) -> dict[str, object]:
    tables = {}
    for bins in BINS:
        table = {name: None if v is None else v.tolist() for name, v in _table(data, bins).items()}
        tables[str(bins)] = table | {"measured": data.measured[bins]}
        if table["share"] is None:
            tables[str(bins)]["share"] = [None] * len(SIZES)
    content = {"confidence": data.confidence.tolist(), "sizes": SIZES, "low": LOW, "high": HIGH, "box": BOX}
    return content | {"first": FIRST, "tables": tables}


def _texts(state: FloorState) -> dict[str, str]:
    """Format the numbers as the script does."""
    found = {"count": f"{state.n:,}", "n": str(state.n), "bins": str(state.bins), "draw": str(FIRST["draw"])}
    for name in ("floor", "low", "high", "drawn", "measured", "share"):
        value = getattr(state, name)
        found[name] = "" if value is None else f"{value:.3f}"
    return found


def _controls(uid: str) -> str:
    last, first = len(SIZES) - 1, FIRST["size"]
    slider = widget.slider(uid, "n", "Questions (10 to 10,000)", 0, last, 1, first, f"{SIZES[first]:,} questions")
    bins = "".join(widget.button("bins", f"{b} bins", b, b == FIRST["bins"]) for b in BINS)
    again = f'<div class="buttons">{widget.button("again", "Draw again")}</div>'
    return f'{slider}<div class="buttons" role="group" aria-label="Number of bins">{bins}</div>{again}'
