"""Other lenses: the affine map against scikit-learn, tabulated losses against exact ones, the record on tiny models."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from models_kit import tiny_model, tiny_questions, tiny_tokenizer

from dualalign import DualAlign, ProcessOnly, Traces, drift, metrics
from dualalign.calibrators.objective import ProcessPart
from dualalign.lab import lenses, tuned_lens

ROOT = Path(__file__).resolve().parent.parent
RNG = np.random.default_rng(0)


# -- The affine map ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("penalty", [1e-3, 0.5])
def test_affine_is_ridge_regression(penalty):
    from sklearn.linear_model import Ridge

    x, y = RNG.normal(size=(60, 5)) * [1, 2, 3, 4, 5] + 7, RNG.normal(size=(60, 3))
    w, b = tuned_lens.affine(x, y, np.arange(60) < 12, [penalty])
    alpha = penalty * x.var(axis=0).mean() * len(x)  # scikit-learn's is of the sum of squares
    fitted = Ridge(alpha=alpha).fit(x, y)
    assert w == pytest.approx(fitted.coef_.T, abs=1e-9)
    assert b == pytest.approx(fitted.intercept_, abs=1e-9)


def test_the_penalty_is_chosen_on_the_held_rows():
    x = RNG.normal(size=(40, 20))
    noise, exact = RNG.normal(size=(40, 2)), x @ RNG.normal(size=(20, 2))
    held = np.arange(40) % 4 == 0
    for y, chosen in ((noise, 1e4), (exact, 1e-8)):
        found, expected = (tuned_lens.affine(x, y, held, penalties)[0] for penalties in ([1e-8, 1e4], [chosen]))
        assert found == pytest.approx(expected)


# -- Tabulated losses ----------------------------------------------------------------------------------------------


def tables_of(traces: Traces) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What `record` would hold of a trace, were it read by every lens alike."""
    rows = [(lens, row) for lens in lenses.LENSES for row in lenses.layer_rows(traces)]
    curves = [(lens, row) for lens in lenses.LENSES for row in lenses.curve_rows(traces)]
    return tuple(pd.DataFrame([{"lens": lens, **row} for lens, row in part]) for part in (rows, curves))


def test_layers_and_summary_are_those_of_drift(random_traces):
    traces = random_traces(12, padded=True)
    layers, _ = tables_of(traces)
    wide = layers[layers.lens == "options"].pivot(index="question_id", columns="layer").loc[list(traces.question_ids)]
    assert wide["divergence"].to_numpy() == pytest.approx(drift.layer_divergence(traces), abs=1e-12)
    assert wide["plm_entropy"].to_numpy() == pytest.approx(drift.entropy(traces.plm_logits), abs=1e-12)
    p, q = (np.exp(drift.log_softmax_options(traces.polm_logits[:, i])) for i in (-1, 2))
    far = np.where(p > 0, p * np.log(np.where(p > 0, p, 1) / np.where(q > 0, q, 1)), 0).sum(axis=1)
    assert wide["polm_far"][3].to_numpy() == pytest.approx(far, abs=1e-9)
    assert wide["plm_far"][traces.n_layers].abs().max() == 0
    found = lenses.summary(layers).query("lens == 'tuned'").set_index("question_id").loc[list(traces.question_ids)]
    peaks = drift.peak_layer(traces)
    assert found["peak"].tolist() == peaks.tolist()
    for side in ("plm", "polm"):
        ise = drift.stability_entropy(getattr(traces, f"{side}_logits"), peaks)
        assert found[f"ise_{side}"].to_numpy() == pytest.approx(ise, abs=1e-9)


@pytest.fixture(scope="module")
def tabulated(random_traces):
    traces = random_traces(30, k=5)
    _, curves = tables_of(traces)
    exact = ProcessPart(traces, np.full(30, 0.7))
    ((_, target, _),) = exact.blocks
    wide = curves[curves.lens == "options"].pivot(index="temperature", columns="question_id")
    ise, slope = (wide[name][list(traces.question_ids)].to_numpy() for name in ("ise", "slope"))
    return exact, lenses.Tabulated(wide.index.to_numpy(), ise, slope, target, np.full(30, 0.7))


@pytest.mark.parametrize("t", [0.013, 0.2, 0.9, 1.0, 1.7, 6.0, 44.0, 100.0, 400.0, 1e9])
def test_a_tabulated_loss_is_the_exact_one_between_its_rows(tabulated, t):
    exact, table = tabulated
    for found, expected in zip(table(1 / t), exact(1 / t), strict=True):
        assert found == pytest.approx(expected, rel=2e-3, abs=1e-6)


def test_temperatures_are_those_of_the_methods_on_the_same_questions(random_traces):
    traces = random_traces(50)
    used = traces.select(np.arange(20))
    found = lenses.temperatures(*tables_of(used), traces, draws=40).set_index(["lens", "method"])
    for lens in lenses.LENSES:
        for calibrator in (ProcessOnly(), DualAlign()):
            row = found.loc[lens, calibrator.name]
            assert row.temperature == pytest.approx(calibrator.fit(used).temperature_, rel=1e-4)
            assert row.low <= row.temperature <= row.high
            assert row.low < row.high
            assert (row.ratio, row.ratio_low, row.ratio_high) == pytest.approx((1, 1, 1))
            others = traces.select(np.arange(20, 50))
            proba = np.exp(drift.log_softmax_options(others.polm_final, row.temperature))
            assert row.ece == pytest.approx(metrics.ece(*metrics.top_label(proba, others.labels)))
    with pytest.raises(ValueError, match="lacks question 'q0' of the record"):
        lenses.temperatures(*tables_of(used), traces.select(np.arange(5, 50)))


# -- The record ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def models():
    pytest.importorskip("transformers")
    from dualalign.models.load import LoadedModel

    return [LoadedModel(tiny_model("Gemma3Text", seed), tiny_tokenizer(), str(seed)) for seed in (0, 1)]


@pytest.fixture(scope="module")
def recorded(models):
    return lenses.record(*models, tiny_questions()[:6], tiny_questions()[6:])


@pytest.mark.models
def test_the_record_equals_brute_force_over_the_vocabulary(models, recorded):
    """Hidden states as transformers gives them, one prompt at a time, through the model's own norm and head."""
    import torch
    from scipy.special import log_softmax, rel_entr

    from dualalign.questions import encode_question

    layers, _ = recorded
    for question in tiny_questions()[:6]:
        prompt, options = encode_question(models[1].tokenizer, question, "choices")
        wide = [hidden_logits(loaded, prompt, torch) for loaded in models]  # (L, V) each
        of = layers[layers.question_id == question.id].set_index(["lens", "layer"])
        for lens, columns in (("options", options), ("vocabulary", slice(None))):
            log_p = [log_softmax(z[:, columns].astype(float), axis=1) for z in wide]
            p, q = map(np.exp, log_p)
            middle = (p + q) / 2
            jsd = (rel_entr(p, middle) + rel_entr(q, middle)).sum(axis=1) / 2
            found = of.loc[lens]
            assert found["divergence"].to_numpy() == pytest.approx(jsd, abs=2e-5)
            assert found["plm_entropy"].to_numpy() == pytest.approx(-(p * log_p[0]).sum(axis=1), abs=1e-4)
            assert found["polm_far"].to_numpy() == pytest.approx(rel_entr(q[-1], q).sum(axis=1), abs=1e-4)


def hidden_logits(loaded, prompt, torch) -> np.ndarray:
    with torch.inference_mode():
        out = loaded.model(torch.tensor([prompt]), output_hidden_states=True)
        inner = [loaded.model.lm_head(loaded.model.model.norm(h[:, -1:])) for h in out.hidden_states[1:-1]]
        return torch.cat([*inner, out.logits[:, -1:]], 1)[0].numpy()  # the last state has been normed already


@pytest.mark.models
def test_at_the_last_layer_tuned_is_plain_and_before_it_is_not(recorded):
    layers, _ = recorded
    plain, tuned = (
        layers[layers.lens == name].set_index(["question_id", "layer"]).drop(columns="lens")
        for name in ("options", "tuned")
    )
    last = plain.index.get_level_values("layer") == 3
    assert tuned[last].to_numpy() == pytest.approx(plain[last].to_numpy())
    assert (tuned[~last]["plm_entropy"] - plain[~last]["plm_entropy"]).abs().max() > 0.01


@pytest.mark.models
def test_curves_pass_through_the_recorded_ise(recorded):
    layers, curves = recorded
    found = lenses.summary(layers).set_index(["lens", "question_id"])["ise_polm"]
    at_one = curves[np.isclose(curves.temperature, 1)].set_index(["lens", "question_id"])["ise"]
    assert len(at_one) == 18
    assert at_one.loc[found.index].to_numpy() == pytest.approx(found.to_numpy(), abs=1e-5)
    limits = curves[np.isinf(curves.temperature) & (curves.lens == "vocabulary")]["ise"]
    assert limits.to_numpy() == pytest.approx(np.full(6, math.log(64)))


@pytest.mark.models
def test_too_few_questions_to_tune_on_are_refused(models):
    with pytest.raises(ValueError, match="4 questions to tune the lens on; give at least 5"):
        lenses.record(*models, tiny_questions()[:8], tiny_questions()[8:])


def test_what_is_shipped_is_of_the_shipped_trace():
    """The K-option lens of the record is the shipped trace's own, within what its float16 keeps."""
    layers, curves = (pd.read_parquet(ROOT / f"data/results/{name}.parquet") for name in ("lenses", "lenses_curves"))
    traces = Traces.load(ROOT / "data/traces/sft4__arc-easy__choices.safetensors")
    ids = layers["question_id"].unique()
    assert len(ids) == lenses.SAMPLE
    assert set(layers["lens"]) == set(curves["lens"]) == set(lenses.LENSES)
    row = {name: i for i, name in enumerate(traces.question_ids)}
    here = traces.select(np.array([row[name] for name in ids]))
    wide = layers[layers.lens == "options"].pivot(index="question_id", columns="layer", values="polm_entropy").loc[ids]
    assert wide.to_numpy() == pytest.approx(drift.entropy(here.polm_logits), abs=0.02)
    assert len(curves) == 3 * lenses.SAMPLE * (len(lenses.LOG_T) + 1)
