"""What must hold of every figure: it shows its numbers and nothing else.

Figures of traces show the same whatever the order of the questions, figures of tables whatever the order of the rows.
No figure changes what it is given or a global setting, and each returns its axes.
"""

from __future__ import annotations

import itertools

import matplotlib
import numpy as np
import pandas as pd
import pytest
from conftest import make_traces
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.axes import Axes
from strategies_kit import frozen, once, reordered, same, seeds
from test_properties_tables import PAIRS, SETS, against_in_one_style, cube, sizes, table

from dualalign import (
    Traces,
    align_all,
    all_readings,
    change,
    drift,
    early_stopping,
    inner,
    metrics,
    plots,
    practice,
    protocol,
    readings,
    results,
    travel,
)
from dualalign import few as few_questions
from dualalign.decisions import Held
from dualalign.plots.generation import SAMPLED, WIDTHS

matplotlib.use("Agg")
METHODS = ["vanilla", "daca", "dual-align"]


def shown(axes: object) -> dict[str, object]:
    """Return what stands on axes: every coordinate, and every word."""
    numbers, words = [], []
    for ax in np.ravel(axes):
        assert isinstance(ax, Axes)
        numbers += [line.get_xydata() for line in ax.lines]
        numbers += [path.vertices for one in ax.collections for path in one.get_paths()]
        numbers += [one.get_offsets() for one in ax.collections]
        numbers += [one.get_array() for one in ax.collections if one.get_array() is not None]
        numbers += [
            patch.get_path().vertices @ patch.get_patch_transform().get_matrix()[:2, :2] for patch in ax.patches
        ]
        numbers += [image.get_array() for image in ax.images]
        words += [text.get_text() for text in (*ax.texts, *ax.get_yticklabels(), ax.title)]
    flat = np.concatenate([np.ma.filled(np.ma.asarray(one, float), np.nan).ravel() for one in numbers])
    assert len(flat) > 0
    return {"numbers": np.sort(flat), "words": sorted(words)}


pytestmark = pytest.mark.usefixtures("closed")


def final(t):
    return metrics.top_label(np.exp(drift.log_softmax_options(t.polm_final)), t.labels)


def reliability(t):
    return plots.prepare_reliability(*final(t), draws=4)


GRID = np.array([0.5, 1.0, 4.0])
OF_TRACES = {
    "reliability": lambda t: plots.plot_reliability(reliability(t)),
    "reliability_pair": lambda t: plots.plot_reliability_pair(reliability(t), reliability(t)),
    "chain": lambda t: plots.plot_chain({"PLM": reliability(t), "sft": reliability(t)}),
    "confidence": lambda t: plots.plot_confidence(plots.prepare_confidence(t)),
    "layer_divergence": lambda t: plots.plot_layer_divergence(plots.prepare_layer_divergence(t)),
    "peak_layers": lambda t: plots.plot_peak_layers(plots.prepare_peaks(t), t.n_layers),
    "peak_jumps": lambda t: plots.plot_peak_jumps(plots.prepare_peaks(t)),
    "stability": lambda t: plots.plot_stability(plots.prepare_stability(t)),
    "objective": lambda t: plots.plot_objective(plots.prepare_objective(t, temperatures=GRID)),
    "losses": lambda t: plots.plot_losses(plots.prepare_losses(t, GRID)),
    "own_temperatures": lambda t: plots.plot_own_temperatures({"pair": plots.prepare_own_temperatures(t)}),
    "recipe_layers": lambda t: plots.plot_recipe_layers({"pair": t}),
    "regime_gaps": lambda t: plots.plot_regime_gaps(level(change.by_regime(t, draws=2))),
    "outcomes": lambda t: plots.plot_outcomes(change.of_pairs({"pair": t}, draws=2)),
    "contrasts": lambda t: plots.plot_contrasts(
        without_ends(change.of_pairs({"pair": t}, draws=2), "inflation"), "inflation", "x"
    ),
    "premise": lambda t: plots.plot_premise(models(t).query("model == 'PLM'")),
    "shift": lambda t: plots.plot_shift(models(t).assign(pair="pair")),
    "layer_maps": lambda t: plots.plot_layer_maps(
        {"pair": plots.prepare_layer_maps(t, ["relative-depth", "final-only"])}
    ),
    "layer_map": lambda t: plots.plot_layer_map(t.plm_logits.shape[1], t.n_layers),
    "layer_temperatures": lambda t: plots.plot_layer_temperatures({"pair": inner.layer_temperatures(t)}),
    "forces": lambda t: plots.plot_forces(
        pd.concat({"pair": align_all.forces(t, draws=2)}).fillna(0.0).assign(low=0.0, high=0.0)
    ),
    "log_odds": lambda t: plots.plot_log_odds(two_options(t)),
    "p_true": lambda t: plots.plot_p_true(two_options(t), bins=4),
}


def level(found: pd.DataFrame) -> pd.DataFrame:
    ends = {name: found["gap"] for name in found if name.endswith(("_low", "_high"))}
    return pd.concat({"a": found.assign(**ends)}, names=["pair"])


def without_ends(found: pd.DataFrame, name: str) -> pd.DataFrame:
    """Bootstrap intervals draw rows by place; the figure must show the rest."""
    return found.assign(**{f"{name}_low": found[name], f"{name}_high": found[name]})


def models(t) -> pd.DataFrame:
    found = protocol.both_models({"set": t}, draws=2)
    return found.assign(ece_low=found["ece"], ece_high=found["ece"], ece_floor=0.1)


def two_options(t):
    return Traces(t.plm_logits[..., :2], t.polm_logits[..., :2], t.labels % 2, np.full(len(t), 2), t.question_ids)


def around(show, given: object, moved: object) -> None:
    """Draw both, and compare; nothing given and no setting may have changed."""
    before, rc = frozen(given), dict(matplotlib.rcParams)
    first = shown(show(given))
    assert dict(matplotlib.rcParams) == rc
    assert frozen(given) == before
    second = shown(show(moved))
    assert first["words"] == second["words"]
    same(first["numbers"], second["numbers"], rel=1e-4)


@pytest.mark.parametrize("name", OF_TRACES)
@given(seeds)
@once
def test_a_figure_of_traces_knows_no_order_of_questions(name, seed):
    traces = make_traces(24, 4, 3, seed)
    around(OF_TRACES[name], traces, reordered(traces, seed)[0])


OF_QUESTIONS = {
    "beliefs": lambda t, i: plots.plot_beliefs(plots.prepare_beliefs(t, i)),
    "belief_strips": lambda t, i: plots.plot_belief_strips(plots.prepare_beliefs(t, i), int(t.labels[i])),
    "decided": lambda t, i: plots.plot_decided(plots.prepare_decided(t, i, 2.0), 2.0),
    "one_question": lambda t, i: plots.plot_one_question(
        plots.prepare_one_question(align_all.plm_belief(t)[i], t.polm_final[i].astype(float))
    ),
}


@pytest.mark.parametrize("name", OF_QUESTIONS)
@given(seeds)
@once
def test_a_figure_of_one_question_is_of_no_other(name, seed):
    traces = make_traces(9, 4, 3, seed)
    around(lambda t: OF_QUESTIONS[name](t, 0), traces, traces.select([0]))


def transfer(t, method: str = "daca"):
    return travel.excess(t("transfer"), method)


def dial(t):
    found = plots.prepare_dial(t("premise"))
    return found[(found.pair == "sft4") & (found.set == "arc-easy")]


def claims_of(t) -> pd.DataFrame:
    """A few lines like those of the ledger, from the tally of each rival."""
    found = results.tally(results.against(t("main")))
    states = {"supported": "lower, Holm", "contradicted": "higher, Holm"}
    book = pd.DataFrame({name: found[column] for name, column in states.items()})
    book["undecided"] = found["settings"] - book.sum(axis=1)
    return book.assign(settings=found["settings"], verdict="undecided")


OF_TABLES = {
    "against": lambda t: plots.plot_against(
        plots.prepare_against(against_in_one_style(t), ["daca"], PAIRS, SETS), PAIRS, SETS
    ),
    "methods": lambda t: plots.plot_methods(plots.prepare_methods(one_setting(t))),
    "sets": lambda t: plots.plot_sets(one_setting(t).assign(set="one"), {"one": 0.1}),
    "gaps": lambda t: plots.plot_gaps({"all": results.by_setting(t("main"))}, METHODS),
    "forest": lambda t: plots.plot_forest(plots.prepare_forest(effects(t)), list(readings.verdicts(effects(t))), 0.01),
    "factors": lambda t: plots.plot_factors(
        {"ece": all_readings.by_factor(all_readings.variance(cube(t, halves=False)))}
    ),
    "hindsight": lambda t: plots.plot_hindsight(
        all_readings.hindsight(cube(t)).sort_index(), all_readings.floors(t("main"))
    ),
    "draws": lambda t: plots.plot_draws(
        plots.prepare_draws(few_questions.draws(t("size")), "sft4", "ece"), METHODS[1:], "ece"
    ),
    "few": lambda t: plots.plot_few(
        *[few_questions.over_sets(sizes(t), name) for name in ("near", "cost")], METHODS[1:]
    ),
    "label_gaps": lambda t: plots.plot_label_gaps(
        practice.label_quantiles(practice.label_gaps(t("labels")), practice.situations(t("main"))["situation"])
    ),
    "dial": lambda t: plots.plot_dial(dial(t), METHODS, 1.1),
    "dial_errors": lambda t: plots.plot_dial_errors(dial(t), METHODS),
    "inherited": lambda t: plots.plot_inherited(plots.prepare_inherited(t("premise")), METHODS[1:], ["arc-easy"]),
    "natural_gaps": lambda t: plots.plot_natural_gaps(plots.prepare_natural_gaps(t("main")), METHODS),
    "transfer": lambda t: plots.plot_transfer({"daca": transfer(t)}, sorted(transfer(t))),
    "distances": lambda t: plots.plot_distances(
        {
            "daca": plots.prepare_distances(
                travel.distance(travel.own(t("transfer"), "daca", "temperature")), transfer(t)
            )
        }
    ),
    "carried_labels": lambda t: plots.plot_carried_labels(
        pd.DataFrame({m: travel.own(t("transfer"), m) for m in ("daca", "temperature-scaling")}),
        travel.matrix(t("transfer"), "temperature-scaling"),
        travel.own(t("transfer"), "daca", "ece_floor"),
    ),
    "map_temperatures": lambda t: plots.plot_map_temperatures(foreign(t), ["dual-align"]),
    "two_references": lambda t: plots.plot_two_references(
        plots.prepare_reference_differences(t("references"), "references")
    ),
    "temperature_parts": lambda t: plots.plot_temperature_parts(plots.prepare_forces(t("references"))),
    "ledger": lambda t: plots.plot_ledger(claims_of(t)),
}


def effects(t):
    return readings.effects(t("ablation"))


def one_setting(t) -> pd.DataFrame:
    rows = t("main")
    rows = rows[(rows.pair == "sft4") & (rows["set"] == "arc-easy") & (rows["style"] == "choices") & (rows.seed >= 0)]
    wide = rows[rows.method.isin(METHODS)].pivot(index=["method", "seed"], columns="metric", values="value")
    return protocol.averaged(wide.reset_index()).sort_values("method", ignore_index=True)


def foreign(t):
    found = plots.prepare_references(t("references"))
    return found[found.case == found.case.iloc[0]]


@pytest.mark.parametrize("name", OF_TABLES)
@given(seeds)
@once
def test_a_figure_of_results_knows_no_order_of_rows(name, seed):
    def mixed(*names):
        return table(*names).sample(frac=1, random_state=seed, ignore_index=True)

    around(OF_TABLES[name], table, mixed)


# ---- figures of tables that a chapter computes: drawn of random numbers, each must stand on the axes


def grid(rng, **levels) -> pd.DataFrame:
    rows = pd.DataFrame(list(itertools.product(*levels.values())), columns=list(levels))
    return rows.assign(
        **{name: rng.uniform(0.1, 0.9, len(rows)) for name in ("value", "cost", "regret", "ece", "accuracy")}
    )


def held(rng) -> dict[str, list[Held]]:
    def side():
        confidence = rng.random(40)
        return Held([f"q{i}" for i in range(40)], confidence, rng.random(40) < confidence, confidence[:9])

    return {name: [side(), side()] for name in METHODS}


def interval(found: pd.DataFrame, name: str = "value", prefix: str = "") -> pd.DataFrame:
    return found.assign(**{f"{prefix}low": found[name] - 0.05, f"{prefix}high": found[name] + 0.05})


def promises(rng):
    found = grid(rng, method=METHODS, target=[0.6, 0.8]).rename(columns={"value": "delivered", "ece": "coverage"})
    return plots.plot_promises(interval(found, "delivered")), found["delivered"]


def costs(rng):
    found = interval(grid(rng, method=METHODS, price=[0.1, 0.5, 0.9]), "regret")
    return plots.plot_costs(found, 0.4), found[["cost", "regret"]]


def regret(rng):
    found = grid(rng, study=["one", "two"], method=METHODS, price=[0.1, 0.5])
    return plots.plot_regret(found), found["regret"]


def risk_coverage(rng):
    found = held(rng)
    return plots.plot_risk_coverage(found), plots.prepare_risk_coverage(found)["risk"]


def thresholds(rng):
    found = held(rng)
    drawn = plots.prepare_thresholds(found, (0.3, 0.5), least=1)
    return plots.plot_thresholds(found, (0.3, 0.5), least=1), drawn[["delivered", "coverage"]]


def cascade(rng):
    sides = held(rng)["daca"]
    line = plots.prepare_frontier(sides, [rng.random(40) < 0.8 for _ in sides], 3.0, steps=5)
    points = grid(rng, cascade=["a"], method=METHODS, target=[0.6, 0.8])
    return plots.plot_cascade(points, {"a": {"daca": line}}), pd.concat([points, line])[["cost", "accuracy"]]


def savings(rng):
    found = grid(rng, method=METHODS, pair="abc").assign(premise=True)
    return plots.plot_savings(found, "cost"), found["value"]


def widths(rng):
    found = grid(rng, model=["PoLM"], chosen_by=["none"], temperature=[1.0, 2.0], question_id="abc")
    found = found.assign(**{name: rng.uniform(1, 9, len(found)) for name in WIDTHS})
    return plots.plot_widths(found, 100), plots.prepare_widths(found)["mass"]


def sampled(rng):
    found = grid(rng, chosen_by=["none", "dual-align"], temperature=[1.0], top_p=[1.0, 0.9])
    for name in SAMPLED:
        found[name] = rng.uniform(1, 2, len(found))
        found = interval(found, name, f"{name}_")
    index = found.set_index(["chosen_by", "temperature", "top_p"])
    return plots.plot_sampled(index, {"none": "1", "dual-align": "2"}), found[list(SAMPLED)]


def offsets(rng):
    names = ("accuracy", "confidence", "ece", "ece_low", "ece_high", "ece_floor", "agreement")
    both = grid(rng, set=[0, 1], model=["PLM", "PoLM"]).assign(**{n: rng.uniform(0.1, 0.9, 4) for n in names})
    fits = grid(rng, reading=["offset-0", "offset-1"], method=["vanilla", "daca"], seed=[0, 1])
    fits["temperature"] = rng.uniform(1, 3, len(fits))
    layers = grid(rng, reading=["offset-0", "offset-1"], layer=[1, 2], regime=["all"]).rename(
        columns={"value": "divergence"}
    )
    found = plots.prepare_offsets(both, fits, layers)
    axes = plots.plot_offsets(found)
    return [*np.ravel(axes), plots.plot_place_layers(layers)], pd.Series([*both["accuracy"], *layers["divergence"]])


def places(rng):
    found = grid(rng, model=["plm", "polm"], place=[1, 2, 3])
    for name in ("chosen", "right"):
        found[name] = rng.uniform(0.2, 0.6, 6)
        found = interval(found, name, f"{name}_")
    return plots.plot_places(found), found[["chosen", "right"]]


def moved(rng) -> pd.DataFrame:
    found = grid(rng, method=["daca", "dual-align"], source="xyz", target="xyz", seed=[0, 1])
    return found.assign(temperature=rng.uniform(0.5, 9, len(found)), floor=0.03)


def variants(rng):
    found = moved(rng)
    own = found[found.source == found.target].groupby(["method", "source"])["ece"].mean()
    spread = plots.prepare_variants(found, "ece")
    assert (spread.to_numpy() >= 0).all()
    return plots.plot_variants(found, ["daca", "dual-align"]), own


def carried(rng):
    found = plots.prepare_carried(moved(rng), "daca")
    return plots.plot_carried({"daca": found}), found


def styles(rng):
    found = grid(rng, style=["one", "two"], set="abc", method=METHODS).assign(floor=0.05)
    return plots.plot_styles(found, METHODS), found["ece"]


def stages(rng):
    found = pd.DataFrame(rng.uniform(0.1, 0.5, (3, 3)), list("abc"), [*METHODS[:2], "floor"])
    return plots.plot_stages({"all": found}, {"all": found[METHODS[:2]] / 10}), found


def lenses(rng):
    columns = ["plm_entropy", "polm_entropy", "plm_far", "polm_far"]
    found = grid(rng, lens=["options", "tuned"], question_id="ab", layer=[1, 2])
    found[columns] = rng.uniform(size=(len(found), 4))
    return plots.plot_lenses(found, {"options": "K", "tuned": "T"}), found.groupby(["lens", "layer"])[columns].mean()


def pretraining(rng):
    found = pd.DataFrame(
        {"step": [1, 2, 3], "loss": rng.uniform(1, 2, 3), "least": 0.5, "error": rng.uniform(0, 0.1, 3)}
    )
    return plots.plot_pretraining(found), found[["loss", "error", "least"]]


def posterior(rng):
    model, exact = rng.dirichlet(np.ones(3), (2, 20))
    checked = plots.prepare_posterior_check(model, exact, bins=5)
    assert len(checked) <= 5
    return plots.plot_posterior_check(model, exact), pd.DataFrame([model.ravel(), exact.ravel()])


def truth(rng):
    found = grid(rng, study=["one"], method=METHODS).assign(ratio=rng.uniform(0.6, 1.6, 3), finite=3, seeds=3)
    ends = {name: found["ratio"] * by for name, by in (("low", 0.9), ("high", 1.1), ("least", 0.8), ("most", 1.2))}
    return plots.plot_against_truth(found.assign(**ends), ["one"], METHODS), found["ratio"]


def bill(rng):
    found = pd.DataFrame(rng.uniform(1, 9, (3, 2)), [10, 20, 40], ["small", "large"])
    return plots.plot_bill(found), found


def floor(rng):
    found = plots.prepare_noise_floor(rng.random(30), (10, 40), draws=4)
    return plots.plot_noise_floor(found), found["mean"]


def paths(rng):
    traces = make_traces(12, 2, 3, int(rng.integers(99)))
    found = plots.prepare_tau_paths(traces, rates=(0.1,), epochs=5)
    return plots.plot_tau_paths({"pair": found}, published=3), pd.Series(found.paths["align-all", 0.1])


def stops(rng):
    traces, at = make_traces(24, 2, 3, int(rng.integers(99))), np.geomspace(0.5, 8, 5)
    curve = early_stopping.ece_curve(traces, at, seeds=[0])
    found = early_stopping.stops(traces, rates=[0.1], epochs=[3], seeds=[0], draws=3)
    return plots.plot_stops({"pair": (at, curve, found)}), pd.Series(curve)


def aligned(rng):
    found = pd.concat({"one": align_all.aligned_gaps(make_traces(24, 2, 3, int(rng.integers(99))), [0], draws=3)})
    assert set(align_all.verdicts(found)) <= {"under", "over", "undecided"}
    return plots.plot_aligned_gaps(found), found["value"].iloc[:3]


OF_NUMBERS = (
    promises, costs, regret, risk_coverage, thresholds, cascade, savings, widths, sampled, offsets, places, variants,
    carried, styles, stages, lenses, pretraining, posterior, truth, bill, floor, paths, stops, aligned,
)  # fmt: skip


@pytest.mark.parametrize("drawn", OF_NUMBERS)
@given(seeds)
@once
def test_every_number_stands_on_the_axes(drawn, seed):
    rc = dict(matplotlib.rcParams)
    axes, numbers = drawn(np.random.default_rng(seed))
    assert dict(matplotlib.rcParams) == rc
    there = shown(axes)["numbers"]
    there = there[np.isfinite(there)]
    for value in numbers.to_numpy(float).ravel():
        assert not np.isfinite(value) or np.abs(there - value).min() < 1e-9


@given(st.lists(st.text("abc ", min_size=1), min_size=1, max_size=5), st.text("xyz", min_size=1))
@once
def test_a_decision_says_every_question_and_every_answer(questions, otherwise):
    words = [text.get_text() for text in plots.plot_decision([(q, q + "!") for q in questions], otherwise).texts]
    assert otherwise in words
    for q in questions:
        assert any(q in word for word in words)
