"""What is read off the table of results hangs on what its rows say, not on how they stand: shuffled, it is the same."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from strategies_kit import once, same, seeds

from dualalign import all_readings, experiments, ledger, plots, practice, readings, results, travel
from dualalign import few as few_questions

SETS = ("arc-easy", "mmlu")
WHOLE = ("transfer", "factorial")  # designs that are complete or nothing
PAIRS = ("sft4", "smollm2", "smollm2-sft4")


@cache
def table(*names: str) -> pd.DataFrame:
    """The shipped rows of experiments, of some pairs and sets where the design allows it."""
    rows = experiments.load(experiments=names)
    kept = rows.experiment.isin(WHOLE) | (rows["set"].isin(SETS) & rows.pair.isin(PAIRS))
    return rows[kept].reset_index(drop=True)


def cube(t, **options):
    return all_readings.cube(t("factorial"), **options)


def situation(t):
    return practice.situations(t("main"))["situation"]


def sizes(t):
    return few_questions.by_size(few_questions.draws(t("size")))


def claims(t):
    """Each claim's function of the settings it is about, on its own."""
    main, parts = t("main"), {}
    parts["daca"] = ledger.against(("daca", "basecal"))(main)
    parts["effects"] = ledger.effects(main, "ece_minus", "main", "dual-align", "daca")
    parts["premise"] = ledger.premise(main)
    parts["claims"] = ledger.of_claims("inflation")(t("claims"))
    parts["untouched"] = ledger.untouched(t("claims"))
    parts["few"] = ledger.excess_of_few(t("size"))
    return {name: rows.sort_values(list(rows)[:2], ignore_index=True) for name, rows in parts.items()}


TABLES = {
    "against": lambda t: results.against(t("main")),
    "tally": lambda t: results.tally(results.against(t("main"))),
    "paired": lambda t: results.paired(one_rival(t("main")), "ece", results.SETTING),
    "constant": lambda t: results.constant(t("main")),
    "premise": lambda t: results.premise(t("main")),
    "by_setting": lambda t: results.by_setting(t("main")),
    "difference": lambda t: results.difference(results.by_setting(t("main")), ["daca", "basecal"]),
    "ranks": lambda t: results.ranks(results.by_setting(t("main")), ["plm"]),
    "differences of readings": lambda t: readings.differences(t("ablation")),
    "effects of readings": lambda t: readings.effects(t("ablation")),
    "verdicts of readings": lambda t: readings.verdicts(readings.effects(t("ablation"))),
    "hindsight": lambda t: all_readings.hindsight(cube(t)).sort_index(),
    "standing": lambda t: all_readings.standing(cube(t)).sort_values(["error", "reading"]),
    "variance": lambda t: all_readings.variance(cube(t, halves=False)),
    "by_factor": lambda t: all_readings.by_factor(all_readings.variance(cube(t, halves=False))),
    "by_order": lambda t: all_readings.by_order(all_readings.variance(cube(t, halves=False))),
    "floors": lambda t: all_readings.floors(t("main")),
    "claims": claims,
    "own_style": lambda t: int(ledger.own_style(t("main")).sum()),
    "matrix": lambda t: travel.matrix(t("transfer"), "daca"),
    "excess": lambda t: travel.excess(t("transfer"), "daca"),
    "own": lambda t: travel.own(t("transfer"), "daca"),
    "own_less_carried": lambda t: travel.own_less_carried(t("transfer"), "daca", "temperature-scaling"),
    "each_less_all": lambda t: travel.each_less_all(t("transfer")),
    "subjects": lambda t: travel.subjects(t("transfer")),
    "subject_temperatures": lambda t: travel.subject_temperatures(t("transfer")),
    "draws": lambda t: few_questions.draws(t("size")),
    "by_size": sizes,
    "over_sets": lambda t: few_questions.over_sets(sizes(t), "cost"),
    "compared": lambda t: few_questions.compared(sizes(t), "cost", ["daca"]),
    "thinned": lambda t: few_questions.thinned(sizes(t)),
    "situations": lambda t: practice.situations(t("main")),
    "by_situation": lambda t: practice.by_situation(practice.held_out(t("main")), situation(t)),
    "clear": lambda t: practice.clear(t("main"), situation(t)),
    "caught": lambda t: practice.caught(t("trust"), t("main")),
    "warned": lambda t: practice.warned(t("trust"), t("main")),
    "label_gaps": lambda t: practice.label_gaps(t("labels")),
    "label_quantiles": lambda t: practice.label_quantiles(practice.label_gaps(t("labels")), situation(t)),
    "enough_labels": lambda t: practice.enough_labels(practice.label_gaps(t("labels"))),
    "few_questions": lambda t: practice.few_questions(t("size")),
    "prepare_dial": lambda t: plots.prepare_dial(t("premise")),
    "prepare_inherited": lambda t: plots.prepare_inherited(t("premise")),
    "prepare_crossings": lambda t: plots.prepare_crossings(t("premise")),
    "prepare_repaired": lambda t: plots.prepare_repaired(t("premise")),
    "prepare_natural_gaps": lambda t: plots.prepare_natural_gaps(t("main")),
    "prepare_references": lambda t: plots.prepare_references(t("references")),
    "prepare_reference_differences": lambda t: plots.prepare_reference_differences(t("references"), "methods"),
    "prepare_forces": lambda t: plots.prepare_forces(t("references")),
    "prepare_map_effects": lambda t: plots.prepare_map_effects(t("references")),
    "prepare_draws": lambda t: plots.prepare_draws(few_questions.draws(t("size")), "sft4", "ece"),
    "prepare_forest": lambda t: plots.prepare_forest(readings.effects(t("ablation"))).table,
    "prepare_against": lambda t: {
        name: found.value
        for name, found in plots.prepare_against(against_in_one_style(t), ["daca"], PAIRS, SETS).items()
    },
}


def one_rival(main: pd.DataFrame) -> pd.DataFrame:
    return main[(main.seed == -1) & (main.method == results.OURS) & (main.reading == "daca")]


def against_in_one_style(t) -> pd.DataFrame:
    return results.against(t("main")[ledger.own_style(t("main"))])


def ordered(value: object) -> object:
    """Return a table whose rows stand in the order of their own words, since theirs is that of the rows read."""
    if isinstance(value, pd.DataFrame):
        flat = value if isinstance(value.index, pd.RangeIndex) else value.reset_index()
        words = [name for name in flat if not pd.api.types.is_float_dtype(flat[name])]
        return flat.sort_values(words, key=lambda one: one.astype(str), ignore_index=True) if words else flat
    return value.sort_index() if isinstance(value, pd.Series) else value


@pytest.mark.parametrize("name", TABLES)
@given(seeds)
@once
def test_the_order_of_the_rows_says_nothing(name, seed):
    read = {}

    def shuffled(*names):
        read.setdefault(names, table(*names).sample(frac=1, random_state=seed, ignore_index=True))
        return read[names]

    found, again = TABLES[name](table), TABLES[name](shuffled)
    same(ordered(found), ordered(again), rel=1e-9, at=1e-9)
    assert len(np.atleast_1d(found)) > 0 if not isinstance(found, dict) else found
