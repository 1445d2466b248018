"""Pairs of models made on purpose: what the PLM knows, how much sharper the PoLM is, and what is wrong."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from dualalign import Traces, drift


def two_models(g: list, f: list, labels: list | None = None, layers: int = 2) -> Traces:
    """Traces whose layers are all alike, from final logits (N, K), -inf where a question has no such option."""
    plm, polm = (np.repeat(np.array(z, dtype=np.float32)[:, None, :], layers, axis=1) for z in (g, f))
    labels = np.full(len(g), -1) if labels is None else np.array(labels)
    return Traces(plm, polm, labels, np.isfinite(plm[:, 0]).sum(axis=1), tuple(map(str, range(len(g)))))


def calibrated_pair(n=600, seed=0, sharp=3.0, plm_sharp=1.0, labelled=True, layers=6, noise=0.3) -> Traces:
    """A PLM whose last layer states true probabilities (times plm_sharp), and a PoLM whose logits are sharper."""
    rng = np.random.default_rng(seed)
    truth = rng.normal(size=(n, 4)) * 1.2
    proba = np.exp(drift.log_softmax_options(truth))
    labels = np.minimum((proba.cumsum(axis=1) < rng.random((n, 1))).sum(axis=1), 3)
    ramp = np.linspace(0.1, 1, layers)[None, :, None]
    moved = truth + rng.normal(size=(n, 4)) * noise
    return Traces(
        plm_logits=(plm_sharp * ramp * truth[:, None]).astype(np.float32),
        polm_logits=(sharp * ramp**2 * moved[:, None]).astype(np.float32),
        labels=labels if labelled else np.full(n, -1),
        n_options=np.full(n, 4),
        question_ids=tuple(f"<script>alert({i})</script>" for i in range(n)),
        groups=tuple(f"g&{i % 3}" for i in range(n)),
        metadata={"plm": "<b>base</b>", "polm": 'chat"', "note": "</main>"},
    )


def right_on(traces: Traces, share: float) -> Traces:
    """Label the questions so that the PLM is right on a share of them, whatever its confidence."""
    n = len(traces)
    order = np.argsort(np.argsort(traces.plm_final.max(axis=1) - traces.plm_final.mean(axis=1)))
    right = np.floor((order + 1) * share) > np.floor(order * share)
    answer = traces.plm_final.argmax(axis=1)
    return replace(traces, labels=np.where(right, answer, (answer + 1 + np.arange(n) % 3) % 4))


def no_labels(traces: Traces) -> Traces:
    return replace(traces, labels=np.full(len(traces), -1))


def beyond_the_edge() -> Traces:
    """The same beliefs, but T = 1000."""
    base = calibrated_pair()
    return replace(base, polm_logits=(base.plm_logits * 1000).astype(np.float32))


def impossible() -> Traces:
    """A PLM without any opinion at any layer: no finite T is flat enough."""
    base = calibrated_pair()
    return replace(base, plm_logits=np.zeros_like(base.plm_logits))


def nearly_impossible() -> Traces:
    """A PLM that knows next to nothing, on 20 questions: whether a finite T exists depends on which are drawn."""
    base = calibrated_pair(20, seed=1, noise=0.0)
    noise = np.random.default_rng(1).normal(size=base.plm_logits.shape) * 0.5
    return replace(base, plm_logits=(noise + 0.04 * base.polm_logits).astype(np.float32))


def unstable(spread: float = 1.0) -> Traces:
    """The PoLM's sharpness differs from question to question, so few questions decide T."""
    base = calibrated_pair(160, noise=0.0)
    scale = np.exp(np.random.default_rng(1).normal(size=len(base)) * spread)
    return replace(base, polm_logits=(base.polm_logits * scale[:, None, None]).astype(np.float32))


def two_valleys() -> Traces:
    """Inner layers of half the questions ask for T near 50, those of the others for T near 1/50."""
    base = calibrated_pair()
    plm, polm = base.plm_logits.copy(), base.polm_logits.copy()
    plm[:, 0], plm[:, 1:-1] = polm[:, 0], base.plm_logits[:, -1:]  # so that the paths part at the second layer
    odd = np.arange(len(base)) % 2 == 1
    polm[odd, 1:-1], polm[~odd, 1:-1] = plm[odd, 1:-1] * 50, plm[~odd, 1:-1] / 50
    return replace(base, plm_logits=plm, polm_logits=polm)


def same_but_for_a_little() -> Traces:
    """The PLM's own beliefs, 5 % sharper: the weight of the process loss is next to nothing."""
    base = calibrated_pair()
    return replace(base, polm_logits=(base.plm_logits * 1.05).astype(np.float32))


def tied(share: float = 0.05) -> Traces:
    """The PoLM's two largest logits are equal on a share of the questions."""
    base = calibrated_pair()
    polm = base.polm_logits.copy()
    for row in range(int(share * len(base))):
        second, first = np.argsort(polm[row, -1])[-2:]
        polm[row, -1, second] = polm[row, -1, first]
    return replace(base, polm_logits=polm)
