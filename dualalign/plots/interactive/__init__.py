"""Interactive figures that need no kernel and no network: each is one HTML string that works from a file."""

from dualalign.plots.interactive.slider import prepare_slider, slider_state, temperature_slider

__all__ = ["prepare_slider", "slider_state", "temperature_slider"]
