"""The same servers as the tests of the API."""

from tests.api.conftest import house_directory

__all__ = ["house_directory"]
