"""Interactive figures that need no kernel and no network: each is one HTML string that works from a file."""

from dualalign.plots.interactive.floor import floor_explorer, floor_state, prepare_floor
from dualalign.plots.interactive.layers import layer_explorer, layer_state, prepare_layers
from dualalign.plots.interactive.objective import objective_explorer, objective_state, prepare_objective_grid
from dualalign.plots.interactive.slider import prepare_slider, slider_state, temperature_slider

__all__ = [
    "floor_explorer",
    "floor_state",
    "layer_explorer",
    "layer_state",
    "objective_explorer",
    "objective_state",
    "prepare_floor",
    "prepare_layers",
    "prepare_objective_grid",
    "prepare_slider",
    "slider_state",
    "temperature_slider",
]
