"""The same servers as the tests of the API."""

from tests.api.conftest import crew, house_directory

__all__ = ["crew", "house_directory"]
