"""The benchmark: every promise about speed and size, measured in one run (`wanneng bench`).

Tooling beside the floors, like the tests: it stands above all of them and is not in the wheel.
"""
