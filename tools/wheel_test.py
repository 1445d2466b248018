"""Install the wheel as a stranger would, in a bare environment outside the checkout, and use it.

Each interpreter named gets an environment of its own with the wheel and what pip then takes, no extras, no lock. There,
beside the unpacked trace archive, the five lines of the README run, and the commands run on a trace.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import release

TRACE = "data/traces/sft4__arc-easy__choices.safetensors"
INSTALLED = """
import sys, dualalign as da
assert "site-packages" in da.__file__, da.__file__
assert da.__version__ == sys.argv[1], da.__version__
traces = da.Traces.load(sys.argv[2])
assert "<script>" in da.plots.temperature_slider(traces, {"as it comes": 1.0}), "the wheel lacks its scripts"
assert "torch" not in sys.modules
"""
COMMANDS = [
    ["--help"],
    ["--version"],
    ["info", TRACE],
    ["fit", TRACE, "--json"],
    ["diagnose", TRACE],
    ["report", TRACE, "--out", "report.html"],
    ["export", TRACE, "--format", "vllm", "--out", "serve.json"],
]


def five_lines(readme: str) -> str:
    """The Python block of the README."""
    (block,) = re.findall(r"^```python\n(.*?)^```", readme, re.MULTILINE | re.DOTALL)
    return block


def bare(python: str, folder: Path, wheel: Path) -> Path:
    """Make an environment with the wheel in it; return its interpreter."""
    subprocess.run([python, "-m", "venv", folder], check=True)
    inside = folder / "bin/python"
    install = [inside, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile", wheel]
    subprocess.run(install, check=True)
    return inside


def use(inside: Path, folder: Path) -> None:
    """Run the five lines and the commands in a folder that holds ``data/``, with nothing of the checkout in reach."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    run = {"cwd": folder, "env": environment, "check": True, "capture_output": True, "text": True}
    lines = five_lines((release.ROOT / "README.md").read_text(encoding="utf-8"))
    printed = subprocess.run([inside, "-c", lines], **run).stdout
    subprocess.run([inside, "-c", INSTALLED, release.__version__, TRACE], **run)
    said = [subprocess.run([inside.parent / "dualalign", *words], **run).stdout for words in COMMANDS]
    fitted = json.loads(said[3])["temperature"]
    if float(printed) != fitted:
        raise ValueError(f"the five lines say {printed.strip()}, dualalign fit {fitted}")
    print(f"{inside.resolve()}: the five lines and dualalign fit say {fitted:.4f}; {len(COMMANDS)} commands ran")


def main(pythons: list[str]) -> int:
    seconds = release.epoch()
    with tempfile.TemporaryDirectory() as scratch:
        out = Path(scratch)
        wheel = release.packages(out, seconds)
        with zipfile.ZipFile(release.traces(out, seconds)) as archived:
            archived.extractall(out)
        for number, python in enumerate(pythons):
            try:
                inside = bare(python, out / f"venv{number}", wheel)
                use(inside, out / f"dualalign-{release.__version__}")
            except (subprocess.CalledProcessError, ValueError) as error:
                print(f"wheel-test, {python}: {error}\n{getattr(error, 'stderr', '')}", file=sys.stderr)
                return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or [sys.executable]))
