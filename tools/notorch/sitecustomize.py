"""Put on a kernel's path, this makes `import torch` and its kin fail: the calibration chapters promise to need none."""

import sys
from importlib.machinery import PathFinder
from importlib.util import module_from_spec
from pathlib import Path

BLOCKED = {"torch", "transformers", "peft", "accelerate"}


class _Refuse:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name.partition(".")[0] in BLOCKED:
            raise ModuleNotFoundError(f"No module named {name!r} (blocked: this page must run without it)", name=name)


sys.meta_path.insert(0, _Refuse)

# This module hides the next of its name on the path: that one's word counts too.
_here = Path(__file__).resolve().parent
_next = PathFinder.find_spec("sitecustomize", [folder for folder in sys.path if Path(folder).resolve() != _here])
if _next is not None:
    _next.loader.exec_module(module_from_spec(_next))
