"""The path of the published Adam protocol: against a loop over questions, from any start, with its batches."""

from __future__ import annotations

import math

import numpy as np
import pytest

import dualalign as da
from dualalign import drift
from dualalign.calibrators.adam import adam_path, adam_temperature


def softmax(z: np.ndarray) -> np.ndarray:
    e = np.exp(z - z.max())
    return e / e.sum()


def path_by_loop(traces: da.Traces, kept: np.ndarray, rate: float, epochs: int, batch: int, seed: int, start: float):
    """Adam as in Kingma and Ba (2015), one question at a time, T after each epoch."""
    rng, tau, first, second, step = np.random.default_rng(seed), start, 0.0, 0.0, 0
    out = [tau]
    for _ in range(epochs):
        order = rng.permutation(len(traces))
        for block in (order[i : i + batch] for i in range(0, len(order), batch)):
            slope = 0.0
            for row in block[kept[block]]:
                k = traces.n_options[row]
                z_f, z_g = (z[row, :k].astype(float) for z in (traces.polm_final, traces.plm_final))
                p, q = softmax(z_g), softmax(z_f / tau)
                mean = (q * z_f).sum()
                slope += sum(p[i] * (z_f[i] - mean) / tau**2 for i in range(k) if q[i] >= 1e-8) / len(block)
            step += 1
            first, second = 0.9 * first + 0.1 * slope, 0.999 * second + 0.001 * slope**2
            tau -= rate * (first / (1 - 0.9**step)) / (math.sqrt(second / (1 - 0.999**step)) + 1e-8)
        out.append(tau)
    return np.array(out)


@pytest.mark.parametrize(
    ("every", "start", "rate"),
    [(True, 1.0, 0.1), (False, 1.0, 0.05), (True, 6.0, 0.1), (True, 0.4, 0.3), (True, -2.0, 0.1)],
)
def test_the_path_is_that_of_a_loop_over_questions(random_traces, every, start, rate):
    traces = random_traces(13, 2, padded=True)
    kept = np.ones(13, dtype=bool) if every else drift.agreement(traces)
    path = adam_path(traces, kept, rate, epochs=30, batch_size=5, seed=2, start=start)
    np.testing.assert_allclose(path, path_by_loop(traces, kept, rate, 30, 5, 2, start), rtol=1e-9)
    assert path[0] == start
    assert path.shape == (31,)


def test_the_fit_is_the_end_of_the_path_and_a_longer_path_begins_with_the_shorter(random_traces):
    traces = random_traces(20)
    agreeing = drift.agreement(traces)
    long, short = (adam_path(traces, agreeing, 0.1, epochs, 8, 1) for epochs in (40, 25))
    np.testing.assert_array_equal(long[:26], short)
    assert adam_temperature(traces, agreeing, 0.1, 40, 8, 1)[0] == long[-1]
    fitted = da.DACA(optimizer="adam", learning_rate=0.1, epochs=40, batch_size=8, seed=1).fit(traces)
    assert fitted.raw_temperature_ == long[-1]


def test_a_start_at_which_every_option_but_one_is_clamped_never_moves():
    """q underflows to 0 and 1: the published loss has slope 0 there, although the optimum is finite."""
    z_f = np.tile(np.array([900.0, 0.0], dtype=np.float32), (4, 2, 1))
    z_g = np.tile(np.array([1.0, 0.0], dtype=np.float32), (4, 2, 1))
    traces = da.Traces(z_g, z_f, np.zeros(4, dtype=int), np.full(4, 2), tuple("abcd"))
    assert da.AlignAll().fit(traces).reason_.startswith("at the upper edge")  # T = 900, beyond the search
    assert set(adam_path(traces, np.ones(4, dtype=bool), epochs=20)) == {1.0}


@pytest.mark.parametrize("start", [0.0, math.nan, math.inf])
def test_a_start_that_divides_nothing_is_refused(random_traces, start):
    traces = random_traces(5)
    with pytest.raises(ValueError, match="start is"):
        adam_path(traces, np.ones(5, dtype=bool), start=start)
