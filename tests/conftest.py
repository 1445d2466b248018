"""Shared fixtures: random traces with known shapes, no deadlines, and no network."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings

from dualalign import Traces

sys.path.insert(0, str(Path(__file__).parent / "offline"))
import no_network

os.environ["PYTHONPATH"] = no_network.python_path(*filter(None, [os.environ.get("PYTHONPATH")]))
no_network.watch_children()
# No test may fail because the machine is busy; in CI the same examples every time, elsewhere new ones.
settings.register_profile("dualalign", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("dualalign")


def make_traces(
    n: int = 40, layers: int | tuple[int, int] = 6, k: int = 4, seed: int = 0, padded: bool = False, scale: float = 2.0
) -> Traces:
    """Random traces: PoLM logits are related to the PLM's and about twice as sharp; `layers` may be (L_g, L_f)."""
    rng = np.random.default_rng(seed)
    depth_g, depth_f = (layers, layers) if isinstance(layers, int) else layers
    shared = rng.normal(size=(n, 1, k))
    plm = shared + rng.normal(size=(n, depth_g, k))
    polm = scale * (shared + rng.normal(size=(n, depth_f, k)))
    n_options = rng.integers(2, k + 1, n) if padded else np.full(n, k)
    gap = np.arange(k)[None, None, :] >= n_options[:, None, None]
    return Traces(
        plm_logits=np.where(gap, -np.inf, plm).astype(np.float32),
        polm_logits=np.where(gap, -np.inf, polm).astype(np.float32),
        labels=rng.integers(0, n_options),
        n_options=n_options,
        question_ids=tuple(f"q{i}" for i in range(n)),
        groups=tuple(f"group-{i % 3}" for i in range(n)),
        metadata={"plm": "random-base", "polm": "random-chat", "prompt": "letters"},
    )


@pytest.fixture(scope="session")
def random_traces():
    """The function random_traces(n, layers, k, seed, padded)."""
    return make_traces


@pytest.fixture
def closed():
    """Close the figures that a test drew."""
    import matplotlib.pyplot as plt

    yield
    plt.close("all")


@pytest.fixture(scope="session")
def sample_course(tmp_path_factory):
    """A small checkout with one lesson and everything made from it."""
    from lesson_kit import make_sample

    return make_sample(tmp_path_factory.mktemp("course"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item):
    """Open the network for a nightly test alone, with its fixtures of every scope."""
    no_network.let_out(item.get_closest_marker("nightly") is not None)
    try:
        return (yield)
    finally:
        no_network.let_out(False)


@pytest.fixture(autouse=True)
def nothing_refused():
    """Fail a test that tried to leave this machine, even where what it called swallowed the refusal."""
    yield
    no_network.account()
