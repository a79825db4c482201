"""The version, in one place; the package's own metadata is read from here."""

from __future__ import annotations

VERSION = "0.1.0"
