"""Loads what every test may use."""

import os
import tempfile
from pathlib import Path

from workbook.progress import PLACE

# A test must not write into the learner's progress.
folder = tempfile.TemporaryDirectory()
os.environ[PLACE] = str(Path(folder.name) / "progress.json")

pytest_plugins = ["workbook.plugin", "tests.browser"]
