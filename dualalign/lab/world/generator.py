"""The controlled world: documents in which witnesses report a fact, and the exact belief that they leave a reader with.

A document is a key (its topic), up to five statements, each a witness and the option that it reports, a token that
asks, and the answer. A witness of reliability r reports the true option with probability r, and each other one with
probability (1 - r) / (K - 1). So the Bayes-optimal belief is a product, and log-odds add up:

    p(a | reports)  ~  prod over witnesses w of   r_w if w reports a, else (1 - r_w) / (K - 1)

Dials change what a key means. On a *told* key the key itself is a witness, of reliability ``knowledge``: something that
pre-training, where no key is told, cannot know. On a *reversed* key post-training rewards the key's option whatever the
witnesses say; the truth stays with the witnesses, and the key says nothing about it. To post-training the two look
alike. Other ``reliabilities`` than those of pre-training make a world whose witnesses have changed unnoticed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

K = 4  # options
KEYS = 32
MOST = 5  # statements at most; their number is uniform over 0..MOST
RELIABILITIES = (0.9, 0.7, 0.5)
ASK, OPTION, WITNESS = 1, 2, 2 + K  # tokens: option a is OPTION + a, and so on; 0 is padding
KEY = WITNESS + len(RELIABILITIES)
VOCABULARY = KEY + KEYS
OPTION_TOKENS = tuple(range(OPTION, OPTION + K))
_BLOCKS = 4  # one prompt in so many is held out


@dataclass(frozen=True)
class World:
    """What holds in a world, and what its post-training rewards.

    Parameters
    ----------
    added : share of keys that are told, a multiple of 1/8 (each option is then told by as many keys)
    reversed : share of keys on which post-training rewards the key's option against the evidence, a multiple of 1/8
    knowledge : probability that a told key is right
    reliabilities : of the three classes of witnesses

    Raises
    ------
    ValueError
        For shares that do not fit, or probabilities outside (0, 1).
    """

    added: float = 0.0
    reversed: float = 0.0
    knowledge: float = 0.9
    reliabilities: tuple[float, ...] = RELIABILITIES

    def __post_init__(self) -> None:
        for name in ("added", "reversed"):
            share = getattr(self, name)
            if not 0 <= share <= 1 or (share * KEYS) % K:
                raise ValueError(f"{name} is {share}; give a multiple of {K / KEYS:g} between 0 and 1")
        if self.added + self.reversed > 1:
            raise ValueError(f"added {self.added} and reversed {self.reversed} exceed all keys; their sum is at most 1")
        if len(self.reliabilities) != len(RELIABILITIES):
            raise ValueError(f"reliabilities holds {len(self.reliabilities)} numbers; give {len(RELIABILITIES)}")
        if not all(0 < p < 1 for p in (self.knowledge, *self.reliabilities)):
            raise ValueError("knowledge and reliabilities must lie strictly between 0 and 1")

    def told(self, key: np.ndarray) -> np.ndarray:
        """True where a key tells its answer: the first keys do; key k tells option k mod K."""
        return key < round(self.added * KEYS)

    def turned(self, key: np.ndarray) -> np.ndarray:
        """True where post-training rewards the key's option, which means nothing there: on the last keys."""
        return key >= KEYS - round(self.reversed * KEYS)


@dataclass(frozen=True)
class Facts:
    """N documents.

    key, count, truth, rewarded : int (N,), the topic, how many statements, the true option, the option that training
        takes for it; witness, report : int (N, MOST), of which the first ``count`` are stated.
    """

    key: np.ndarray
    count: np.ndarray
    truth: np.ndarray
    rewarded: np.ndarray
    witness: np.ndarray
    report: np.ndarray

    def __len__(self) -> int:
        return len(self.key)

    @property
    def stated(self) -> np.ndarray:
        """bool (N, MOST): True where there is a statement."""
        return np.arange(MOST) < self.count[:, None]

    def select(self, rows: np.ndarray) -> Facts:
        """Return some of the documents."""
        return Facts(*(getattr(self, name)[rows] for name in self.__dataclass_fields__))

    def prompts(self) -> list[tuple[int, ...]]:
        """Token ids of each document up to the token that asks."""
        pairs = np.stack([WITNESS + self.witness, OPTION + self.report], axis=2).reshape(len(self), -1).tolist()
        heads = (KEY + self.key).tolist()
        return [(k, *row[: 2 * n], ASK) for k, row, n in zip(heads, pairs, self.count.tolist(), strict=True)]


def draw(world: World, n: int, rng: np.random.Generator, count: int | None = None, held_out: bool = False) -> Facts:
    """Draw n fresh documents, of ``count`` statements each (any number by default).

    Which prompts are held out is decided by their tokens alone, see `is_held_out`: so a prompt of the one side never
    stands on the other, and p(answer | prompt) is the same on both.

    Raises
    ------
    ValueError
        If n is below 1, or count outside 0..MOST.
    """
    if n < 1:
        raise ValueError(f"n is {n}; give at least 1")
    if count is not None and not 0 <= count <= MOST:
        raise ValueError(f"count is {count}; a document holds 0 to {MOST} statements")
    parts, found = [], 0
    while found < n:
        facts = _draw(world, 2 * n if not held_out else 6 * n, rng, count)
        parts.append(facts.select(np.flatnonzero(is_held_out(facts) == held_out)))
        found += len(parts[-1])
    whole = Facts(*(np.concatenate([getattr(p, name) for p in parts]) for name in Facts.__dataclass_fields__))
    return whole.select(np.arange(n))


def _draw(world: World, n: int, rng: np.random.Generator, count: int | None) -> Facts:
    key = rng.integers(0, KEYS, n)
    told = _reported(key % K, np.full(n, world.knowledge), rng)  # the key as a witness: its answer holds, or another
    truth = np.where(world.told(key), told, rng.integers(0, K, n))
    many = rng.integers(0, MOST + 1, n) if count is None else np.full(n, count)
    witness = rng.integers(0, len(world.reliabilities), (n, MOST))
    report = _reported(np.repeat(truth[:, None], MOST, 1), np.asarray(world.reliabilities)[witness], rng)
    rewarded = np.where(world.turned(key), key % K, truth)
    return Facts(key, many, truth, rewarded, witness, report)


def _reported(option: np.ndarray, reliability: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Each option, or with probability 1 - reliability one of the other K - 1."""
    right = rng.random(option.shape) < reliability
    return np.where(right, option, (option + rng.integers(1, K, option.shape)) % K)


def is_held_out(facts: Facts) -> np.ndarray:
    """True for the prompts that no training ever shows, one in four.

    The statements choose two of the eight blocks of K keys, four blocks apart. So the options that keys tell stand in
    balance on both sides, and told and untold keys do where half of the keys are told. Another share is met only on
    average over the statements: among prompts of none or one, which are few, it is off.
    """
    code = 1 + facts.witness * K + facts.report  # 1..12 a statement, 0 none
    digits = np.where(facts.stated, code, 0)
    number = digits @ 13 ** np.arange(MOST)
    return (facts.key // K + number * 2654435761 % 2**32 // 2**16) % _BLOCKS == 0


def log_posterior(world: World, facts: Facts) -> np.ndarray:
    """The exact log-probability of each option given the prompt, float64 (N, K), in nats."""
    evidence = _log_odds(np.asarray(world.reliabilities))[facts.witness] * facts.stated
    one_hot = facts.report[:, :, None] == np.arange(K)
    total = (evidence[:, :, None] * one_hot).sum(axis=1)
    total += np.where(world.told(facts.key), _log_odds(world.knowledge), 0.0)[:, None] * (
        facts.key[:, None] % K == np.arange(K)
    )
    total -= total.max(axis=1, keepdims=True)
    return total - np.log(np.exp(total).sum(axis=1, keepdims=True))


def _log_odds(reliability):
    """What one report adds to its option: log of r over (1 - r) / (K - 1)."""
    return np.log(reliability) - np.log((1 - reliability) / (K - 1))


def posterior(world: World, facts: Facts) -> np.ndarray:
    """The exact probability of each option given the prompt, float64 (N, K)."""
    return np.exp(log_posterior(world, facts))
