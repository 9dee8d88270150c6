"""Chapter 3's app without its look at Origin: the cookie alone decides."""

from chapters.ch03_dependencies.app import app, only_our_pages


def every_page() -> None:
    pass


app.dependency_overrides[only_our_pages] = every_page
