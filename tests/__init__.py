"""The tests, by tier; what they share is importable: `tests.house`, `tests.fakes`."""
