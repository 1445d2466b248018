"""Figures: each `prepare_*` returns the numbers, each `plot_*` draws them on an Axes and returns it.

Every plot takes ``ax=None`` (a new figure) or the Axes to draw on, and leaves matplotlib's global settings alone.
"""

from __future__ import annotations

from dualalign.plots.alignment import (
    TauPaths,
    plot_aligned_gaps,
    plot_forces,
    plot_own_temperatures,
    plot_stops,
    plot_tau_paths,
    prepare_own_temperatures,
    prepare_tau_paths,
)
from dualalign.plots.comparison import plot_methods, plot_sets, prepare_methods
from dualalign.plots.decision import plot_decision, plot_label_gaps
from dualalign.plots.decisions import (
    plot_cascade,
    plot_costs,
    plot_promises,
    plot_regret,
    plot_risk_coverage,
    plot_savings,
    plot_thresholds,
    prepare_frontier,
    prepare_risk_coverage,
    prepare_thresholds,
)
from dualalign.plots.generation import (
    plot_offsets,
    plot_place_layers,
    plot_sampled,
    plot_widths,
    prepare_offsets,
    prepare_widths,
)
from dualalign.plots.inner import plot_layer_temperatures
from dualalign.plots.interactive import prepare_slider, slider_state, temperature_slider
from dualalign.plots.judged import plot_log_odds, plot_p_true, prepare_p_true
from dualalign.plots.layers import (
    plot_beliefs,
    plot_divergence_map,
    plot_layer_divergence,
    plot_peak_jumps,
    plot_peak_layers,
    prepare_beliefs,
    prepare_divergence_map,
    prepare_layer_divergence,
    prepare_peaks,
)
from dualalign.plots.ledger import plot_ledger
from dualalign.plots.objective import plot_losses, plot_objective, prepare_losses, prepare_objective
from dualalign.plots.order import (
    plot_carried,
    plot_places,
    plot_styles,
    plot_variants,
    prepare_carried,
    prepare_variants,
)
from dualalign.plots.recipes import (
    plot_chain,
    plot_contrasts,
    plot_layer_map,
    plot_outcomes,
    plot_premise,
    plot_recipe_layers,
    plot_regime_gaps,
    plot_shift,
)
from dualalign.plots.reliability import (
    plot_confidence,
    plot_noise_floor,
    plot_reliability,
    plot_reliability_pair,
    prepare_confidence,
    prepare_noise_floor,
    prepare_reliability,
)
from dualalign.plots.results import plot_against, plot_gaps, plot_stages, prepare_against
from dualalign.plots.stability import plot_stability, prepare_stability
from dualalign.plots.world import plot_against_truth, plot_posterior_check, plot_pretraining, prepare_posterior_check

__all__ = [
    "TauPaths",
    "plot_against",
    "plot_against_truth",
    "plot_aligned_gaps",
    "plot_beliefs",
    "plot_carried",
    "plot_cascade",
    "plot_chain",
    "plot_confidence",
    "plot_contrasts",
    "plot_costs",
    "plot_decision",
    "plot_divergence_map",
    "plot_forces",
    "plot_gaps",
    "plot_label_gaps",
    "plot_layer_divergence",
    "plot_layer_map",
    "plot_layer_temperatures",
    "plot_ledger",
    "plot_log_odds",
    "plot_losses",
    "plot_methods",
    "plot_noise_floor",
    "plot_objective",
    "plot_offsets",
    "plot_outcomes",
    "plot_own_temperatures",
    "plot_p_true",
    "plot_peak_jumps",
    "plot_peak_layers",
    "plot_place_layers",
    "plot_places",
    "plot_posterior_check",
    "plot_premise",
    "plot_pretraining",
    "plot_promises",
    "plot_recipe_layers",
    "plot_regime_gaps",
    "plot_regret",
    "plot_reliability",
    "plot_reliability_pair",
    "plot_risk_coverage",
    "plot_sampled",
    "plot_savings",
    "plot_sets",
    "plot_shift",
    "plot_stability",
    "plot_stages",
    "plot_stops",
    "plot_styles",
    "plot_tau_paths",
    "plot_thresholds",
    "plot_variants",
    "plot_widths",
    "prepare_against",
    "prepare_beliefs",
    "prepare_carried",
    "prepare_confidence",
    "prepare_divergence_map",
    "prepare_frontier",
    "prepare_layer_divergence",
    "prepare_losses",
    "prepare_methods",
    "prepare_noise_floor",
    "prepare_objective",
    "prepare_offsets",
    "prepare_own_temperatures",
    "prepare_p_true",
    "prepare_peaks",
    "prepare_posterior_check",
    "prepare_reliability",
    "prepare_risk_coverage",
    "prepare_slider",
    "prepare_stability",
    "prepare_tau_paths",
    "prepare_thresholds",
    "prepare_variants",
    "prepare_widths",
    "slider_state",
    "temperature_slider",
]
