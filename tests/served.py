"""What a server of a chapter's app has been through."""

from collections import Counter

from tests.waiting import wait_until
from workbook.server import Server


def crashes(server: Server) -> list[str]:
    """The exceptions that ended handlers, once every handler has ended."""

    def all_ended() -> bool:
        kinds = Counter(report["is"] for report in server.process.reports)
        return kinds["call"] == kinds["returned"] + kinds["crash"]

    wait_until(all_ended, "every handler has ended")
    reports = [r for r in server.process.reports if r["is"] == "crash"]
    return [f"{report['error']}: {report['text']}" for report in reports]


def log_until(server: Server, path: str) -> str:
    """The log, which comes through a pipe, up to the line with this path."""
    wait_until(lambda: f'{path}"' in server.log, f"{path} is in the log")
    return server.log
