"""Put on a kernel's path, this makes `import torch` and its kin fail: the calibration chapters promise to need none."""

import sys

BLOCKED = {"torch", "transformers", "peft", "accelerate"}


class _Refuse:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name.partition(".")[0] in BLOCKED:
            raise ModuleNotFoundError(f"No module named {name!r} (blocked: this page must run without it)", name=name)


sys.meta_path.insert(0, _Refuse)
