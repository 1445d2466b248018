"""`python -m dualalign.experiments`: remake the table of results, as far as it is not current, and say why."""

from __future__ import annotations

if __name__ == "__main__":
    from .command import main

    main()
