"""Ways to break a text and a JSON tree, each from a valid one."""

from __future__ import annotations

import json
import random

from fuzz_changes_kit import HTML, poke

# -- Text ----------------------------------------------------------------------------------------------------------


def recoded(raw: bytes, rng: random.Random) -> bytes:
    text = raw.decode("utf-8", "replace")
    return rng.choice(
        (
            lambda: text.encode("utf-16", "replace"),
            lambda: text.encode("utf-16-be", "replace"),
            lambda: text.encode("utf-32", "replace"),
            lambda: text.encode("latin-1", "replace"),
            lambda: b"\xef\xbb\xbf" + raw,
            lambda: b"\xef\xbb\xbf\xef\xbb\xbf" + raw,
            lambda: raw.replace(b"\n", b"\r\n"),
            lambda: raw.replace(b"\n", b"\r"),
            lambda: raw.replace(b"\n", b"\n\n \n\t\n"),
            lambda: raw.replace(b"\n", b"\xe2\x80\xa8"),
            lambda: raw.replace(b" ", b"\xc2\xa0"),
            lambda: raw.replace(b"a", b"\x00"),
            lambda: raw * 2,
            lambda: raw.strip() + b",",
            lambda: b"//comment\n" + raw,
        )
    )()


class Raw:
    """A text that stands in a JSON file as it is, though it may be no JSON."""

    def __init__(self, text: str) -> None:
        self.text = text


def deep(rng: random.Random) -> Raw:
    n, (start, end) = rng.choice((99, rng.randrange(850, 1000), 5000)), rng.choice((("[", "]"), ('{"a":', "}")))
    return Raw(start * n + "1" + end * n)


ATOMS = (
    None,
    True,
    False,
    0,
    -1,
    1,
    2,
    3,
    255,
    2**31,
    2**53 + 1,
    2**63,
    -(2**63),
    2**64,
    -(10**400),
    0.5,
    -0.0,
    1e-320,
    1e38,
    3e38,
    -1e308,
)
ATOMS += (
    "",
    " ",
    "\n",
    "a\nb\r\nc",
    "\u2028",
    "\0",
    "\x1b[31m",
    "é",
    "e\u0301",
    "𝒳",
    "nan",
    "-Infinity",
    "1e999",
    "7",
    "../../x",
    "/dev/zero",
)
ATOMS += (
    "x" * 300,
    "y" * 5000,
    HTML.decode(),
    "\x85",
    [],
    {},
    [[]],
    [None],
    {"": None},
    [0] * 50,
    ["a", "b"],
    {"a": 1},
    "id0",
    " A",
)
RAWS = (
    "NaN",
    "Infinity",
    "-Infinity",
    "1e999",
    "-1e999",
    "9" * 10_000,
    "0." + "1" * 10_000,
    "-" + "9" * 4_299,
    "8" * 4_300,
)
RAWS += (
    '"\\ud800"',
    '"\\udc00\\ud800"',
    '"\\u0000"',
    '"\\ud83d\\ude00"',
    "01",
    "+1",
    "'a'",
    "undefined",
    "",
    '"open',
    '"\\x"',
    "[1,]",
    "{,}",
    "\x00",
)


def atom(rng: random.Random) -> object:
    """A value that a reader may not expect."""
    return rng.choice(
        (lambda: rng.choice(ATOMS), lambda: rng.choice(ATOMS), lambda: Raw(rng.choice(RAWS)), lambda: deep(rng))
    )()


def written(tree: object) -> str:
    """JSON text of a tree with `Raw` leaves."""
    raws: list[str] = []

    def placed(value: object) -> str:
        raws.append(value.text)
        return f"\x01{len(raws) - 1}\x01"

    text = json.dumps(tree, default=placed, ensure_ascii=False)
    for i, raw in enumerate(raws):
        text = text.replace(f'"\\u0001{i}\\u0001"', raw)
    return text


def places(tree: object) -> list[tuple[object, object]]:
    """Every (container, key) of a tree."""
    found, todo = [], [tree]
    while todo:
        one = todo.pop()
        keys = list(one) if isinstance(one, dict) else range(len(one)) if isinstance(one, list) else ()
        found += [(one, key) for key in keys]
        todo += [one[key] for key in keys]
    return found


def bent(tree: object, rng: random.Random, n: int = 1) -> object:
    """A JSON tree with n places changed; the tree itself is used up."""
    holder = [tree]
    for _ in range(n):
        places_now = places(holder)
        home, key = places_now[0] if rng.random() < 0.03 else rng.choice(places_now)
        rng.choice(_BENDS)(home, key, rng)
        if not holder:
            return Raw("")
    return holder[0]


def _replace(home, key, rng) -> None:
    home[key] = atom(rng)


def _drop(home, key, rng) -> None:
    del home[key]


def _wrap(home, key, rng) -> None:
    home[key] = rng.choice(([home[key]], {"a": home[key]}, [home[key]] * 2, str(home[key])[:9999]))


def _twice(home, key, rng) -> None:
    """The same key again in one object, or an item of a list repeated."""
    if isinstance(home, list):
        home[key:key] = [home[key]] * rng.choice((1, 2, 30, 300))
    elif not any(isinstance(one[at], Raw) for one, at in places([home])):
        first = written({key: rng.choice((home[key], None, 0, "x"))})
        whole = Raw(first[:-1] + "," + written(home)[1:])
        home.clear()
        home[key] = whole


def _rename(home, key, rng) -> None:
    if isinstance(home, dict):
        home[rng.choice(("", "a\nb", "x" * 999, "\ud800", "__class__", "id", str(key).upper()))] = home.pop(key)
    else:
        rng.shuffle(home)


def _exchange(home, key, rng) -> None:
    other, at = rng.choice(places([home]))
    if other is not home or at != key:
        home[key] = json.loads(written(other[at])) if _plain(other[at]) else 0


def _plain(value: object) -> bool:
    return not any(isinstance(one[at], Raw) for one, at in places([value]))


_BENDS = (_replace, _replace, _replace, _drop, _wrap, _twice, _rename, _exchange)


def json_file(raw: bytes, rng: random.Random) -> bytes:
    try:
        tree = json.loads(raw)
    except (ValueError, RecursionError):
        return poke(raw, rng)
    return written(bent(tree, rng, rng.choice((1, 1, 2, 4)))).encode("utf-8", "surrogatepass")


def json_lines(raw: bytes, rng: random.Random) -> bytes:
    lines = raw.split(b"\n")
    at = rng.randrange(len(lines))
    lines[at] = json_file(lines[at], rng) if lines[at].strip() else lines[0]
    return b"\n".join(lines)
