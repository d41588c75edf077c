"""Watches a plugin break and be mended on the daemon's page, in a Chromium without other sites.

page.py CHROMIUM URL PLUGIN CONTROL PICTURES     # prints what it saw, as JSON

PLUGIN is the source of the plugin `notes`, CONTROL the control program, PICTURES a directory.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from chromium import Seen, launched
from playwright.sync_api import Browser, Page, expect

WIDE = {"width": 1100, "height": 900}
#: That of a small phone.
NARROW = {"width": 360, "height": 740}
LIMIT = 60_000


def state(page: Page, plugin: str, word: str) -> None:
    """Waits until a plugin is in a state."""
    place = page.locator(f'tbody[data-plugin="{plugin}"] .state .word')
    expect(place).to_have_text(word, timeout=LIMIT)


def live(page: Page) -> None:
    """Waits until the page is connected."""
    expect(page.locator("#connection .word")).to_have_text("live", timeout=LIMIT)


def overflow(page: Page) -> int:
    """How many pixels the page is wider than the window."""
    return page.evaluate("document.documentElement.scrollWidth - window.innerWidth")


def breaks(page: Page, url: str, plugin: Path, pictures: Path) -> dict[str, object]:
    """A plugin breaks and is mended while the page is open."""
    page.goto(f"{url}/")
    live(page)
    state(page, "notes", "serving")
    good, before = plugin.read_text(), page.title()
    plugin.write_text("def broken(:\n")
    state(page, "notes", "serving its last good version")
    reason = page.locator('tbody[data-plugin="notes"] .reasons')
    expect(reason).to_contain_text("SyntaxError")
    broken = {"title": page.title(), "announced": page.locator("#announced").inner_text()}
    expect(page.locator("#count-broken")).to_have_text("1")
    expect(page.locator("#recent tr").first).to_be_visible()
    page.screenshot(path=pictures / "page.png")
    plugin.write_text(good)
    state(page, "notes", "serving")
    expect(reason).to_be_empty()
    mended = {"title": page.title(), "announced": page.locator("#announced").inner_text()}
    return {"before": before, "broken": broken, "mended": mended}


def keyboard(page: Page) -> dict[str, object]:
    """The filter of the log, and the commands of a plugin, without a mouse."""
    focused = "document.activeElement.id"
    lines = page.locator("#lines li:not([hidden])")
    expect(lines.first).to_be_visible()
    page.keyboard.press("/")
    place = page.evaluate(focused)
    page.keyboard.type("daemon started")
    expect(lines).to_have_count(1)
    page.keyboard.press("Tab")
    next_place = page.evaluate(focused)
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Escape")
    text = page.locator("#filter-text").input_value()
    page.locator("#filter-level").select_option("3")
    expect(page.locator("#no-lines").or_(lines.first).first).to_be_visible()
    page.locator("#filter-text").focus()
    page.keyboard.press("Escape")
    page.locator('tbody[data-plugin="notes"] summary').focus()
    page.keyboard.press("Enter")
    expect(page.locator('tbody[data-plugin="notes"] .commands a')).to_be_visible()
    page.keyboard.press("Tab")
    link = page.evaluate("document.activeElement.textContent")
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    return {"focus": place, "next": next_place, "cleared": text, "link": link, "outline": outline}


def swagger(page: Page, url: str) -> dict[str, object]:
    """The link of the command that has the focus, in Swagger UI."""
    page.keyboard.press("Enter")
    opened = page.locator(".opblock.is-open")
    expect(opened).to_have_count(1, timeout=LIMIT)
    path = opened.locator("[data-path]").get_attribute("data-path")
    page.goto(f"{url}/")
    live(page)
    return {"path": path}


def restart(page: Page, control: str) -> dict[str, object]:
    """The daemon is replaced while the page is open."""
    about = page.locator("#about")
    before = about.inner_text()
    subprocess.run([control, "restart"], check=True, capture_output=True)
    pid = before.split("process ")[1].split(",")[0]
    expect(about).not_to_contain_text(f"process {pid},", timeout=LIMIT)
    live(page)
    state(page, "notes", "serving")
    return {"is_live_again": True}


def pictures(browser: Browser, url: str, directory: Path) -> dict[str, object]:
    """The page in light, dark and on a phone: pictures, and whether anything sticks out."""
    sizes = {}
    for name, scheme, size in [
        ("light", "light", WIDE),
        ("dark", "dark", WIDE),
        ("narrow", "light", NARROW),
    ]:
        page = browser.new_page(viewport=size, color_scheme=scheme, reduced_motion="reduce")
        page.goto(f"{url}/")
        live(page)
        expect(page.locator("#recent tr").first).to_be_visible()
        expect(page.locator("#lines li").first).to_be_visible()
        page.screenshot(path=directory / f"page-{name}.png", full_page=True)
        sizes[name] = overflow(page)
        sizes[f"{name}-ground"] = page.evaluate("getComputedStyle(document.body).backgroundColor")
        page.close()
    return sizes


def main(chromium: str, url: str, plugin: str, control: str, directory: str) -> None:
    with launched(chromium) as browser:
        page = browser.new_page(viewport=WIDE)
        seen = Seen(page)
        report = {
            **breaks(page, url, Path(plugin), Path(directory)),
            "keyboard": keyboard(page),
            "swagger": swagger(page, url),
            "pictures": pictures(browser, url, Path(directory)),
            **seen.report(url),
        }
        # From here on requests fail: the daemon is away for a moment.
        report["restart"] = restart(page, control)
        print(json.dumps(report))


main(*sys.argv[1:])
