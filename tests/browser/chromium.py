"""A real Chromium that reaches nothing but the daemon, and what it sent and reported."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, Page, sync_playwright

#: Only the daemon's host resolves, and Chromium sends no requests of its own.
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost",
]


class Seen:
    """What a page has sent and reported since it was made."""

    def __init__(self, page: Page) -> None:
        self.asked: list[str] = []
        self.failed: list[str] = []
        self.errors: list[str] = []
        page.on("request", lambda request: self.asked.append(request.url))
        page.on("requestfailed", lambda request: self.failed.append(request.url))
        page.on("console", lambda line: line.type == "error" and self.errors.append(line.text))
        page.on("pageerror", lambda error: self.errors.append(str(error)))

    def report(self, url: str) -> dict[str, list[str]]:
        """The addresses that are not the daemon's, requests that failed, and errors."""
        elsewhere = [address for address in self.asked if not address.startswith((url, "data:"))]
        return {"elsewhere": elsewhere, "failed": self.failed, "errors": self.errors}


@contextmanager
def launched(chromium: str) -> Iterator[Browser]:
    """A browser until the end of the block."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        yield browser
        browser.close()
