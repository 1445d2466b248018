"""The losses of the recipes against closed forms, brute force, and trl's own trainers where trl is installed."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dualalign.lab.pool import Example

pytestmark = pytest.mark.models

V = 23  # vocabulary


def make_examples(n: int, seed: int = 0) -> list[Example]:
    """Questions with 2 to 5 option tokens, all different, in any order of the vocabulary."""
    import random

    rng = random.Random(seed)
    rows = []
    for i in range(n):
        options = tuple(rng.sample(range(V), rng.randint(2, 5)))
        rows.append(Example(f"q{i}", "choices", (1, 2, 3), options, rng.randrange(len(options))))
    return rows


def random_logits(n: int, seed: int = 0, scale: float = 4.0):
    import torch

    logits = scale * torch.randn(n, V, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return logits.requires_grad_(True)


def log_softmax(row: list[float]) -> list[float]:
    top = max(row)
    total = math.log(sum(math.exp(z - top) for z in row)) + top
    return [z - total for z in row]


@given(st.integers(1, 8), st.integers(0, 10**6))
def test_sft_is_the_mean_negative_log_softmax_over_the_vocabulary(n, seed):
    from dualalign.lab import losses

    logits, rows = random_logits(n, seed), make_examples(n, seed)
    expected = [-log_softmax(z)[e.option_ids[e.answer]] for z, e in zip(logits.tolist(), rows, strict=True)]
    assert losses.sft(logits, rows).item() == pytest.approx(sum(expected) / n, rel=1e-12)


@given(st.integers(1, 8), st.integers(0, 10**6), st.sampled_from([0.01, 0.1, 1.0]))
def test_dpo_is_the_textbook_formula_over_the_whole_vocabulary(n, seed, beta):
    """-log sigmoid(beta [(log pi(c) - log ref(c)) - (log pi(r) - log ref(r))]), arXiv:2305.18290 eq. 7."""
    from dualalign.lab import losses

    policy, start, rows = random_logits(n, seed), random_logits(n, seed + 1), make_examples(n, seed)
    expected = []
    for z, z0, e in zip(policy.tolist(), start.tolist(), rows, strict=True):
        c, r = e.option_ids[e.answer], e.option_ids[losses.rejected(e, seed)]
        pi, ref = log_softmax(z), log_softmax(z0)
        gain = (pi[c] - ref[c]) - (pi[r] - ref[r])
        expected.append(math.log1p(math.exp(-abs(beta * gain))) + max(0.0, -beta * gain))
    reference = losses.margins(start, rows, seed)
    assert losses.dpo(policy, rows, reference, beta, seed).item() == pytest.approx(sum(expected) / n, rel=1e-6)


def test_dpo_starts_at_ln_2_and_pulls_only_the_two_tokens_apart():
    import torch

    from dualalign.lab import losses

    logits, rows = random_logits(6), make_examples(6)
    loss = losses.dpo(logits, rows, losses.margins(logits, rows, 0), 0.1, 0)
    assert loss.item() == pytest.approx(math.log(2), rel=1e-6)
    loss.backward()
    for slope, e in zip(logits.grad, rows, strict=True):
        expected = torch.zeros(V, dtype=torch.float64)
        expected[e.option_ids[e.answer]] -= 0.1 / 2 / 6
        expected[e.option_ids[losses.rejected(e, 0)]] += 0.1 / 2 / 6
        torch.testing.assert_close(slope, expected, rtol=1e-5, atol=1e-9)


@given(st.integers(1, 6), st.integers(0, 10**6))
def test_rlvr_is_the_exact_policy_gradient(n, seed):
    """Value: minus sum_k p_k r_k. Gradient: minus sum_k p_k r_k grad log p_k, enumerated option by option."""
    import torch

    from dualalign.lab import losses

    logits, rows = random_logits(n, seed), make_examples(n, seed)
    loss = losses.rlvr(logits, rows)
    (slope,) = torch.autograd.grad(loss, logits)
    value, expected = 0.0, torch.zeros_like(logits)
    for i, e in enumerate(rows):
        own = log_softmax([logits[i, t].item() for t in e.option_ids])
        for k in range(len(e.option_ids)):
            p, reward = math.exp(own[k]), float(k == e.answer)
            value -= p * reward / n
            for j, token in enumerate(e.option_ids):  # d log p_k / d z_j = [j = k] - p_j
                expected[i, token] -= p * reward * ((j == k) - math.exp(own[j])) / n
    assert loss.item() == pytest.approx(value, rel=1e-12)
    torch.testing.assert_close(slope, expected, rtol=1e-9, atol=1e-12)


def test_rlvr_has_no_slope_where_the_answer_is_certain_or_hopeless():
    import torch

    from dualalign.lab import losses

    e = Example("q", "choices", (1,), (3, 7), 0)
    for gap, reward in ((60.0, 1.0), (-60.0, 0.0)):
        logits = torch.zeros(1, V, dtype=torch.float64)
        logits[0, 3] = gap
        logits.requires_grad_(True)
        loss = losses.rlvr(logits, [e])
        assert -loss.item() == pytest.approx(reward, abs=1e-12)
        assert torch.autograd.grad(loss, logits)[0].abs().max() < 1e-12


@given(st.integers(2, 26), st.data(), st.integers(0, 5), st.text(max_size=8))
def test_the_rejected_option_is_wrong_and_stays_the_same(k, data, seed, name):
    from dualalign.lab import losses

    e = Example(name, "choices", (1,), tuple(range(k)), data.draw(st.integers(0, k - 1)))
    first = losses.rejected(e, seed)
    assert 0 <= first < k
    assert first != e.answer
    assert all(losses.rejected(e, seed) == first for _ in range(3))


def test_every_wrong_option_is_rejected_of_some_question_and_of_some_seed():
    from dualalign.lab import losses

    many = [Example(f"q{i}", "choices", (1,), (5, 6, 7, 8), 2) for i in range(60)]
    assert {losses.rejected(e, 0) for e in many} == {0, 1, 3}
    assert {losses.rejected(many[0], seed) for seed in range(60)} == {0, 1, 3}


@given(st.integers(0, 10**6), st.floats(-50, 50))
def test_a_constant_added_to_all_logits_changes_no_loss(seed, shift):
    from dualalign.lab import losses

    logits, rows = random_logits(4, seed), make_examples(4, seed)
    reference = losses.margins(random_logits(4, seed + 1), rows, 0)
    for loss in (losses.sft, losses.rlvr, lambda z, e: losses.dpo(z, e, reference, 0.1, 0)):
        assert loss(logits + shift, rows).item() == pytest.approx(loss(logits, rows).item(), rel=1e-6, abs=1e-9)


@given(st.integers(0, 10**6))
def test_a_step_against_the_slope_makes_the_right_option_likelier(seed):
    import torch

    from dualalign.lab import losses

    rows = make_examples(4, seed)
    reference = losses.margins(random_logits(4, seed + 1), rows, 0)
    for loss in (losses.sft, losses.rlvr, lambda z, e: losses.dpo(z, e, reference, 0.1, 0)):
        logits = random_logits(4, seed, scale=1.0)
        (slope,) = torch.autograd.grad(loss(logits, rows), logits)
        assert all(slope[i, e.option_ids[e.answer]] < 0 for i, e in enumerate(rows))


def test_logits_of_any_size_give_finite_losses():
    import torch

    from dualalign.lab import losses

    rows = make_examples(5)
    logits = torch.where(random_logits(5) > 0, 1e4, -1e4).float()
    reference = losses.margins(torch.zeros(5, V), rows, 0)
    for loss in (losses.sft(logits, rows), losses.rlvr(logits, rows), losses.dpo(logits, rows, reference, 0.1, 0)):
        assert torch.isfinite(loss)


@pytest.mark.parametrize("method", ["sft", "dpo"])
def test_trl_computes_the_same_loss(method, tmp_path):
    """A witness more: the trainers' own `compute_loss`, with a LoRA update that has moved away from its start."""
    pytest.importorskip("trl")
    import torch
    from models_kit import tiny_model, tiny_tokenizer

    from benchmarks import train_step
    from dualalign.lab import losses
    from dualalign.lab.reading import answer_logits
    from dualalign.lab.recipes import Recipe
    from dualalign.lab.weights import prepare

    recipe = Recipe(name="tiny", method=method, batch_size=4, rank=2, beta=0.7)
    batch = train_step.random_batch(recipe, length=7, vocabulary=64)
    with torch.no_grad():
        reference = losses.margins(answer_logits(tiny_model("Gemma3Text"), batch), batch, recipe.seed)
    model = prepare(tiny_model("Gemma3Text"), recipe, None)
    trainer, inputs = train_step.trl_trainer(recipe, model, tiny_tokenizer(), batch, str(tmp_path))
    torch.manual_seed(3)
    for name, weight in model.named_parameters():
        if "lora_B.default" in name:  # beside it trl keeps a copy of the start, its reference
            weight.data.normal_(0, 0.2)
    logits = answer_logits(model, batch)
    own = losses.sft(logits, batch) if method == "sft" else losses.dpo(logits, batch, reference, 0.7, recipe.seed)
    theirs = trainer.compute_loss(trainer.model, dict(inputs))
    assert own.item() == pytest.approx(theirs.item(), rel=1e-4)
    assert abs(own.item() - 0.6931) > 0.01
