"""Uses Swagger UI of a running daemon in a real Chromium that reaches nothing else.

swagger.py CHROMIUM URL PICTURE     # prints what it saw, as JSON
"""

from __future__ import annotations

import json
import sys

from chromium import Seen, launched
from playwright.sync_api import Page, expect


def visit(page: Page, url: str, picture: str) -> dict[str, object]:
    """Opens the page, tries the demo's greeting out and takes a picture of the answer."""
    seen = Seen(page)
    page.goto(f"{url}/docs")
    operation = page.locator(".opblock", has=page.locator('[data-path="/demo/hello"]'))
    expect(operation).to_be_visible()
    tags = page.locator(".opblock-tag").evaluate_all("all => all.map(one => one.dataset.tag)")
    operation.locator(".opblock-summary-control").click()
    operation.get_by_placeholder("name").fill("Ada")
    operation.get_by_role("button", name="Execute").click()
    answer = operation.locator(".live-responses-table .response").first
    expect(answer).to_be_visible()
    status = answer.locator(".response-col_status").inner_text()
    body = answer.locator(".highlight-code").first.inner_text()
    operation.scroll_into_view_if_needed()
    page.screenshot(path=picture)
    return {
        "title": page.title(),
        "tags": tags,
        "status": status.split()[0],
        "body": body,
        **seen.report(url),
    }


def main(chromium: str, url: str, picture: str) -> None:
    with launched(chromium) as browser:
        page = browser.new_page(viewport={"width": 1100, "height": 900})
        print(json.dumps(visit(page, url, picture)))


main(*sys.argv[1:])
