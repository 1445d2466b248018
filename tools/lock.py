"""Write requirements.lock and environment.yml from the environment that runs this: exact pins, grouped by need.

Both files are made from one list. The environment file leaves the models out: Binder and conda readers rerun the
calibration chapters, which need no torch.
"""

from __future__ import annotations

import re
from importlib.metadata import Distribution, distribution
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent
GROUPS = {
    "reading traces, fitting, plotting": set(),
    "book: executing the notebooks, building the site": {"book"},
    "dev: tests": {"dev"},
    "models": {"models"},
    "live and lab: the base model's weights": {"live", "lab"},
}
IN_ENVIRONMENT = list(GROUPS)[:3]
ELSEWHERE = "only on a later Python than 3.11"
HERE, SUPPORTED = ("3.11",), ("3.11", "3.12", "3.13")


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def closure(name: str, extras: set[str], pythons: tuple[str, ...], seen: dict[tuple, str]) -> dict[tuple, str]:
    """Collect what a distribution needs, with these extras, on any of these Pythons: {(name, extras): version}."""
    key = (canonical(name), frozenset(extras))
    if key not in seen:
        found = distribution(name)
        seen[key] = found.version.split("+")[0]
        for requirement in needed(found, extras, pythons):
            closure(requirement.name, set(requirement.extras), pythons, seen)
    return seen


def needed(found: Distribution, extras: set[str], pythons: tuple[str, ...]) -> list[Requirement]:
    cases = [
        {"extra": e, "python_version": v, "python_full_version": f"{v}.9"} for e in extras or {""} for v in pythons
    ]
    requirements = [Requirement(text) for text in found.requires or []]
    return [r for r in requirements if r.marker is None or any(r.marker.evaluate(case) for case in cases)]


def pins(extras: set[str], pythons: tuple[str, ...]) -> set[str]:
    found = closure("dualalign", extras, pythons, {})
    return {f"{name}=={version}" for (name, _), version in found.items() if name != "dualalign"}


def grouped() -> dict[str, list[str]]:
    """Give each pin to the first group that needs it."""
    taken: set[str] = set()
    groups = {}
    for title, extras in GROUPS.items():
        own = pins(extras, HERE) - taken
        taken |= own
        groups[title] = sorted(own)
    return groups | {ELSEWHERE: sorted(pins(set().union(*GROUPS.values()), SUPPORTED) - taken)}


def lock_text(groups: dict[str, list[str]]) -> str:
    blocks = ["# Written by tools/lock.py (make lock): pip install -c requirements.lock -e '.[book,dev,models]'"]
    blocks += ["\n".join([f"# {title}", *lines]) for title, lines in groups.items()]
    return "\n\n".join(blocks) + "\n"


def environment_text(groups: dict[str, list[str]]) -> str:
    """Write the conda environment: one interpreter, everything else by pip with the pins of the lock."""
    lines = [
        "# Written by tools/lock.py from the same list as requirements.lock: everything but the models.",
        "name: dualalign",
        "channels: [conda-forge]",
        "dependencies:",
        "  - python=3.11",
        "  - pip",
        "  - pip:",
        "      - -e .",
        *(f"      - {pin}" for title in IN_ENVIRONMENT for pin in groups[title]),
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    groups = grouped()
    (ROOT / "requirements.lock").write_text(lock_text(groups), encoding="utf-8")
    (ROOT / "environment.yml").write_text(environment_text(groups), encoding="utf-8")
    print(f"locked {sum(map(len, groups.values()))} packages")


if __name__ == "__main__":
    main()
