"""A chapter under Python's profiler; GET /profile tells where the time went.

PROFILED names the module of its app; without it, it is chapter 4's.
"""

import cProfile
import importlib
import os
import pstats
from pathlib import Path

MODULE = os.environ.get("PROFILED", "chapters.ch04_broadcast.app")

app = importlib.import_module(MODULE).app
profile = cProfile.Profile()


def owner(file: str) -> str:
    """Whose a function is: a library's name, this chapter's, or Python's."""
    parts = Path(file).parts
    if "site-packages" in parts:
        return parts[parts.index("site-packages") + 1]
    if "chapters" in parts:
        return f"chapter {int(parts[parts.index('chapters') + 1][2:4])}"
    return "asyncio" if "asyncio" in parts else "Python and others"


async def found() -> list[tuple[str, str, float]]:
    """Whose, which function, its own share of the time; the dearest first."""
    profile.disable()
    stats: dict[tuple[str, int, str], tuple[int, int, float, float, object]]
    stats = pstats.Stats(profile).stats  # type: ignore[attr-defined]
    total = sum(own for _, _, own, _, _ in stats.values())
    shares = [
        (owner(file), f"{Path(file).stem}.{name}" if file != "~" else name, own / total)
        for (file, _, name), (_, _, own, _, _) in stats.items()
    ]
    return sorted(shares, key=lambda each: -each[2])


async def begin() -> None:
    profile.enable()


app.add_api_route("/begin", begin)
app.add_api_route("/profile", found)
