"""`python -m dualalign`."""

from __future__ import annotations

from .cli import main

main()
