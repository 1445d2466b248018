"""Imported by every Python that a test starts."""

import no_network  # noqa: F401
