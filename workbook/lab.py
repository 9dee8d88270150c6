"""`learn.py notebook`: JupyterLab on .venv's kernel, quiet and without questions."""

import json
import os
import secrets
import sys
from pathlib import Path

from workbook.running import HOST, ROOT, PortTaken, claim, may_open_browser

PORT = 8888
NEWS = "@jupyterlab/apputils-extension:announcements"


def open_notebook(notebook: Path | None) -> int:
    """Show `notebook`, or the folder of all of them, until Ctrl-C."""
    path = (notebook or ROOT / "notebooks").relative_to(ROOT).as_posix()
    if not (ROOT / path).exists():
        print(f"{path} is missing: git checkout {path} brings it back.")
        return 1
    from jupyterlab.labapp import LabApp  # pyright: ignore[reportMissingTypeStubs]

    try:
        listener, note = claim(None, PORT)
    except PortTaken as taken:
        print(taken, file=sys.stderr)
        return 1
    port: int = listener.getsockname()[1]
    listener.close()
    without_news()
    token = secrets.token_urlsafe(16)
    # Set here and not generated there, so that the address can be printed once.
    os.environ.update(JUPYTER_TOKEN=token, JUPYTER_PREFER_ENV_PATH="1")
    url = f"http://{HOST}:{port}/lab/tree/{path}?token={token}"
    print(*filter(None, [note]), f"JupyterLab: {url}", "Ctrl-C ends it.", sep="\n")
    LabApp.launch_instance(options(path, port))
    return 0


def options(path: str, port: int) -> list[str]:
    """JupyterLab's command line."""
    chosen = [
        path,
        f"--ServerApp.root_dir={ROOT}",
        f"--ServerApp.ip={HOST}",
        f"--ServerApp.port={port}",
        "--ServerApp.port_retries=0",
        "--ServerApp.answer_yes=True",  # Ctrl-C asks nothing
        "--ServerApp.log_level=ERROR",
        "--LabApp.log_level=ERROR",
        # Without it every kernel warns of its own plain sockets.
        "--KernelManager.transport_encryption=auto",
    ]
    if not may_open_browser():
        chosen.append("--no-browser")
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        chosen.append("--allow-root")  # in a container everybody is root
    return chosen


def without_news() -> None:
    """Switch off JupyterLab's question about news, in this .venv only."""
    file = Path(sys.prefix, "etc", "jupyter", "labconfig", "page_config.json")
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps({"disabledExtensions": {NEWS: True}}) + "\n")
