"""The Python that serves in a benchmark: it has the learner's packages, and the peers.

They are installed into `benchmarks/.venv` at the first use, and never into the
learner's own environment.
"""

import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

from workbook.environment import packages_of, python_of

FOLDER = Path(__file__).with_name(".venv")
REQUIREMENTS = Path(__file__).with_name("requirements-peers.txt")


def python() -> Path:
    """Its path. Where it is not there yet, or too old, it is made: ten seconds."""
    stamp = FOLDER / REQUIREMENTS.name
    wanted = f"{sys.version}\n{sys.prefix}\n{REQUIREMENTS.read_text('utf-8')}"
    if not stamp.exists() or stamp.read_text("utf-8") != wanted:
        print("installing the peers into benchmarks/.venv", file=sys.stderr)
        venv.create(FOLDER, clear=True, symlinks=os.name != "nt")
        # Whatever an app of ours and a peer share is of one version, and one copy.
        link = packages_of(FOLDER) / "workbook.pth"
        link.write_text(f"{packages_of(Path(sys.prefix))}\n", encoding="utf-8")
        where = ["--python", str(python_of(FOLDER))]
        pip = [sys.executable, "-m", "pip", *where, "install"]
        uv = shutil.which("uv")
        command = [uv, "pip", "install", *where] if uv else pip
        command += ["--quiet", "--no-deps", "--requirement", str(REQUIREMENTS)]
        subprocess.run(command, check=True)
        stamp.write_text(wanted, encoding="utf-8")
    return python_of(FOLDER)
