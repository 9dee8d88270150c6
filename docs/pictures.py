"""Takes the README's picture of a failing check: `python docs/pictures.py`.

Needs requirements-dev.txt and a chromium.
"""

import io
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from playwright.sync_api import sync_playwright
from rich.console import Console
from rich.terminal_theme import MONOKAI

from tests.browser import find_chromium
from workbook import checks, course, terminal

FRAME = """<!doctype html><meta charset="utf-8"><style>
body {{ margin: 0; background: #0c0c0c; }}
pre {{ margin: 0; padding: 20px 24px; width: max-content; color: #d9d9d9;
  font: 15px/1.35 "DejaVu Sans Mono", monospace; }}
{stylesheet}</style><pre>{code}</pre>"""


def check_as_html() -> str:
    """The verdict on exercise 1.2 as shipped, as a terminal shows it."""
    exercise = course.find_exercise("1.2")
    console = Console(record=True, width=80, file=io.StringIO(), force_terminal=True)
    console.print("$ python3 learn.py check 1.2\n", style="bold", highlight=False)
    terminal.tell(checks.run(exercise, exercise.shipped), console)
    return console.export_html(theme=MONOKAI, code_format=FRAME)


def main() -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(playwright))
        page = browser.new_page(viewport={"width": 900, "height": 600})
        page.set_content(check_as_html())
        page.locator("pre").screenshot(path=Path(__file__).with_name("check.png"))
        browser.close()


if __name__ == "__main__":
    main()
