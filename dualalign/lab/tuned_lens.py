"""A simple tuned lens: an affine map that brings a layer's residual stream near the last layer's.

After Belrose et al., arXiv:2303.08112, who minimise a divergence of beliefs over much text. Here: ridge regression of
the last layer's stream on a layer's, over all tokens but the first of some prompts, for each model and layer.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

PENALTIES = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)  # of the ridge, in mean variances of a stream's coordinate
FOLD = 5  # every fifth prompt chooses the penalty


def tuned(loaded, prompts: Sequence[Sequence[int]]) -> list[tuple[np.ndarray, np.ndarray]]:
    """Fit the `affine` map of each layer but the last, on all tokens but the first of some prompts.

    Parameters
    ----------
    loaded : LoadedModel
    prompts : token ids of each

    Returns
    -------
    list of (W (d, d), b (d,)), L - 1 of them, for streams of width d
    """
    from .streams import stream

    streams = [stream(loaded, prompt)[0][:-1] for prompt in prompts]  # the last token comes first
    held = np.repeat(np.arange(len(streams)) % FOLD == 0, [len(s) for s in streams])
    together = np.concatenate(streams)
    return [affine(together[:, i], together[:, -1], held) for i in range(together.shape[1] - 1)]


def affine(
    x: np.ndarray, y: np.ndarray, held: np.ndarray, penalties: Sequence[float] = PENALTIES
) -> tuple[np.ndarray, np.ndarray]:
    """Ridge regression of y (n, e) on x (n, d), its penalty the one with the least squared error on held rows.

    Parameters
    ----------
    held : bool (n,)
        Rows that choose the penalty; in the end all rows fit.
    penalties : in units of the mean variance of a coordinate of x

    Returns
    -------
    W (d, e) and b (e,) such that y is about x @ W + b.
    """
    x, y = x.astype(np.float64), y.astype(np.float64)
    tried = {penalty: _ridge(x[~held], y[~held], penalty) for penalty in penalties}
    best = min(tried, key=lambda p: float(((x[held] @ tried[p][0] + tried[p][1] - y[held]) ** 2).sum()))
    return _ridge(x, y, best)


def _ridge(x: np.ndarray, y: np.ndarray, penalty: float) -> tuple[np.ndarray, np.ndarray]:
    """The map (W, b) in closed form; the mean is not penalised."""
    mean_x, mean_y = x.mean(axis=0), y.mean(axis=0)
    covariance = (x - mean_x).T @ (x - mean_x) / len(x)
    scale = penalty * np.trace(covariance) / len(covariance)
    w = np.linalg.solve(covariance + scale * np.eye(len(covariance)), (x - mean_x).T @ (y - mean_y) / len(x))
    return w, mean_y - mean_x @ w
