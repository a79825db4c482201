"""A vendor of a class, for the tests of the engine: see `tests/fakes/classes.py`."""

from tests.fakes.classes import provider

PROVIDER = provider("fake_self")
