"""Chapter 4 under Python's profiler; GET /profile tells where the time went."""

import cProfile
import pstats
from pathlib import Path

from chapters.ch04_broadcast.app import app

profile = cProfile.Profile()


async def found() -> list[tuple[str, float]]:
    """Functions, with their own share of the time, the dearest first."""
    profile.disable()
    stats: dict[tuple[str, int, str], tuple[int, int, float, float, object]]
    stats = pstats.Stats(profile).stats  # type: ignore[attr-defined]
    total = sum(own for _, _, own, _, _ in stats.values())
    shares = [
        (f"{Path(file).stem}.{name}" if file != "~" else name, own / total)
        for (file, _, name), (_, _, own, _, _) in stats.items()
    ]
    return sorted(shares, key=lambda each: -each[1])


async def begin() -> None:
    profile.enable()


app.add_api_route("/begin", begin)
app.add_api_route("/profile", found)
