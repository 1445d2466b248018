"""Draw the picture of the README from a shipped trace: the PoLM's reliability before and after Dual-Align."""

from __future__ import annotations

from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import dualalign as da
from dualalign import metrics, plots

ROOT = Path(__file__).resolve().parent.parent
TRACE = ROOT / "data/traces/sft4__arc-easy__choices.safetensors"
PICTURE = ROOT / "book/images/readme.png"


def draw() -> Path:
    traces = da.Traces.load(TRACE)
    fit, test = next(metrics.repeated_splits(traces.question_ids, fraction=0.3, seeds=[0]))
    fitting, testing = traces.select(fit), traces.select(test)
    calibrators = da.Vanilla().fit(fitting), da.DualAlign().fit(fitting)
    data = [
        plots.prepare_reliability(*metrics.top_label(c.predict_proba(testing), testing.labels)) for c in calibrators
    ]
    titles = "As post-training left it", f"With T = {calibrators[1].temperature_:.2f}, found without labels"
    axes = plots.plot_reliability_pair(*data, titles=titles)
    PICTURE.parent.mkdir(parents=True, exist_ok=True)
    axes[0].figure.savefig(PICTURE, dpi=150, facecolor="white", metadata={"Software": None})
    return PICTURE


if __name__ == "__main__":
    print(draw())
