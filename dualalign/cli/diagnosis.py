"""`dualalign diagnose` and `dualalign info`: what a trace file shows before anything is fitted."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

from . import options as o
from .printing import number, print_json, print_table

if TYPE_CHECKING:
    import numpy as np

    from ..checks import Check
    from ..traces import Traces

REGIMES = {"confidence-drift": "agreement", "process-drift": "disagreement"}
VERDICTS = {"ok": "no warning", "care": "use with care", "fail": "do not trust it"}
METHOD_WORDS = {"dual-align": "Dual-Align", "daca": "DACA (the trace holds the last layer only)"}
STATES = {"ok": "ok", "care": "CARE", "fail": "FAILS"}


def diagnose(
    traces: o.TracesPaths,
    as_json: o.AsJson = False,
    peak: o.Peak = None,
    aggregate: o.Aggregate = None,
    bins: o.Bins = 10,
    draws: o.Draws = 1000,
    level: o.Level = 0.95,
    seed: o.Seed = 0,
) -> None:
    """Show how the two models drift apart, how far each is from calibrated, and what warns of Dual-Align here.

    Divergence and entropy are in nats, layers count from 1. Accuracy and calibration errors need labels.
    """
    readings = o.given(peak=peak, aggregate=aggregate)
    loaded = o.load_traces(traces)
    found = {"n": len(loaded), "layers": loaded.n_layers, "labelled": int((loaded.labels >= 0).sum())}
    found |= drift_summary(loaded, **readings)
    judged = {"bins": bins, "draws": draws, "level": level, "seed": seed}
    found |= {"plm": _judge(loaded, loaded.plm_final, judged), "polm": _judge(loaded, loaded.polm_final, judged)}
    checks = warnings(loaded, seed, **readings)
    if as_json:
        print_json(found | {"warnings": [{key: getattr(c, key) for key in ("name", "found", "state")} for c in checks]})
    else:
        _print_drift(found)
        _print_models(found, level)
        _print_warnings(checks, METHOD_WORDS["dual-align" if loaded.n_layers > 1 else "daca"])


def info(traces: o.TracesPath, as_json: o.AsJson = False) -> None:
    """Show what a trace file holds, and check it."""
    found = describe(traces)
    if as_json:
        print_json(found)
        return
    rows = [(key, value) for key, value in found.items() if key != "metadata"]
    rows += [(key, value) for key, value in found["metadata"].items() if value]
    print_table("", ("", traces), ((key, _words(value)) for key, value in rows))


def describe(path: str) -> dict[str, object]:
    """Load a trace file, which checks it whole, and return its sizes and metadata."""
    traces = o.load_traces([path])
    return {
        "valid": True,
        "bytes": os.path.getsize(path),
        "questions": len(traces),
        "labelled": int((traces.labels >= 0).sum()),
        "options": [int(bound()) for bound in (traces.n_options.min, traces.n_options.max) if len(traces)],
        "plm_logits": list(traces.plm_logits.shape),
        "polm_logits": list(traces.polm_logits.shape),
        "permuted": traces.order is not None,
        "groups": len(set(traces.groups)),
        "metadata": dict(sorted(traces.metadata.items())),
    }


def drift_summary(traces: Traces, peak: str = "max-jump", aggregate: str = "mean-entropy") -> dict[str, object]:
    """Return the agreement rate, and for each regime the means over its questions.

    Returns
    -------
    dict
        `agreement` (share), and under `confidence-drift` and `process-drift`: `n`, `final_divergence` (nats),
        `peak_layer` (median, 1-based), `peak_jump` (nats), `ise_plm`, `ise_polm` (nats), `layer_divergence` (L,).

    Raises
    ------
    ValueError
        Where there is no question.
    """
    from .. import drift

    if not len(traces):
        raise ValueError("traces holds no question; diagnose needs at least 1")
    divergence = drift.layer_divergence(traces)
    layer = drift.peak_layer(divergence, peak if traces.n_layers > 1 else "max-divergence")
    each = {
        "final_divergence": divergence[:, -1],
        "peak_jump": _jump(divergence, layer),
        "ise_plm": drift.stability_entropy(drift.matched_plm(traces), layer, aggregate=aggregate),
        "ise_polm": drift.stability_entropy(traces.polm_logits, layer, aggregate=aggregate),
        "layer_divergence": divergence,
    }
    regimes = drift.regimes(traces)
    parts = {name: _means({k: v[regimes == name] for k, v in each.items()}, layer[regimes == name]) for name in REGIMES}
    return {"agreement": float(drift.agreement(traces).mean()), **parts}


def warnings(traces: Traces, seed: int = 0, **readings: object) -> tuple[Check, ...]:
    """Return what `one_layer.examine` finds, or that nothing can be fitted at all."""
    from .. import checks, one_layer

    calibrator = one_layer.default_calibrator(traces)
    if calibrator.name == "dual-align":
        calibrator = replace(calibrator, **readings)
    try:
        calibrator.fit(traces)
    except ValueError as error:
        return (checks.Check("fit", f"{METHOD_WORDS[calibrator.name]} can be fitted", str(error), "fail"),)
    return one_layer.examine(traces, calibrator, seed)


def _jump(divergence: np.ndarray, layer: np.ndarray) -> np.ndarray:
    """The change of the divergence at the peak layer, signed; at layer 1 the divergence itself."""
    import numpy as np

    steps = np.diff(divergence, axis=1, prepend=0.0)
    return np.take_along_axis(steps, layer[:, None] - 1, axis=1)[:, 0]


def _means(each: dict[str, np.ndarray], layer: np.ndarray) -> dict[str, object]:
    import numpy as np

    n = len(layer)
    means = {name: values.mean(axis=0) if n else np.full(values.shape[1:], np.nan) for name, values in each.items()}
    return {"n": n, "peak_layer": float(np.median(layer)) if n else np.nan, **means}


def _judge(traces: Traces, logits: np.ndarray, judged: dict[str, object]) -> dict[str, object]:
    import numpy as np

    from .. import drift, metrics

    proba, known = np.exp(drift.log_softmax_options(logits)), traces.labels >= 0
    if not known.any():
        return {"n": len(traces), "confidence": float(proba.max(axis=1).mean())}
    return metrics.summary(proba[known], traces.labels[known], **judged)


def _print_drift(found: dict[str, object]) -> None:
    parts = [found[name] for name in REGIMES]
    rows = [
        ("questions", "n"),
        ("final divergence (nats)", "final_divergence"),
        ("peak layer (median)", "peak_layer"),
        ("jump at the peak (nats)", "peak_jump"),
        ("stability entropy, pre-trained (nats)", "ise_plm"),
        ("stability entropy, post-trained (nats)", "ise_polm"),
    ]
    layers = f"{found['layers']} layers" if found["layers"] > 1 else "the last layer only"
    title = f"{found['n']:,} questions, {layers}; the models agree on {100 * found['agreement']:.1f} %"
    table = [(words, *(_cell(part[key]) for part in parts)) for words, key in rows]
    print_table(title, ("", *(f"{REGIMES[name]}:\n{name}" for name in REGIMES)), table)


def _print_models(found: dict[str, object], level: float) -> None:
    models = [found["plm"], found["polm"]]
    rows = [("mean confidence", [number(m["confidence"]) for m in models])]
    if found["labelled"]:
        rows.insert(0, ("accuracy", [number(m["accuracy"]) for m in models]))
        rows.append(("ECE", [number(m["ece"]) for m in models]))
        spans = ["{:.3f} to {:.3f}".format(*m["ece_interval"]) for m in models]
        rows.append((f"  its {100 * level:g} % interval", spans))
        rows.append(("  its noise floor", [number(m["ece_floor"]) for m in models]))
        rows.append(("negative log-likelihood (nats)", [number(m["nll"]) for m in models]))
        rows.append(("AUROC of confidence", [number(m["auroc"]) for m in models]))
    known = f"{found['labelled']:,} labelled questions" if found["labelled"] else "none labelled"
    print_table(f"Calibration: {known}", ("", "pre-trained", "post-trained"), ((name, *cells) for name, cells in rows))


def _print_warnings(checks: tuple[Check, ...], method: str) -> None:
    from ..checks import worst

    title = f"{method} here: {VERDICTS[worst(checks)]}"
    print_table(title, ("", "state", "found"), ((c.name, STATES.get(c.state, c.state), c.said) for c in checks))


def _cell(value: object) -> str:
    """A layer and a count are whole; the rest are means."""
    return number(int(value) if float(value).is_integer() else float(value))


def _words(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return " x ".join(map(str, value)) if len(value) == 3 else " to ".join(map(str, value))
    return value if isinstance(value, str) else number(value)
