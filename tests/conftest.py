"""Loads what every test may use."""

pytest_plugins = ["workbook.plugin", "tests.browser"]
