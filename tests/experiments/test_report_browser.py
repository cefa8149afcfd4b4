"""The report in a real browser: nothing fails to load, nothing overflows, everything opens."""

from __future__ import annotations

import base64
import json
import os
import shutil

import pytest

from experiments.pi_curve.report import page
from experiments.pi_curve.report.findings import Findings
from tests.experiments.test_report import NAMED, made_up

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")

# Continuous integration installs the browser, so there its absence is a failure.
pytestmark = pytest.mark.skipif(
    not (CHROMIUM and DRIVER) and not os.environ.get("CI"),
    reason="no Chromium with chromedriver here (Debian: apt-get install chromium chromium-driver)",
)

FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(page.write(Findings.of(NAMED, made_up(NAMED))), encoding="utf-8")
    return path.as_uri()


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    assert CHROMIUM, "CI needs Chromium: apt-get install chromium"
    assert DRIVER, "CI needs chromedriver: apt-get install chromium-driver"
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    yield driver
    driver.quit()


def opened(browser, address, *, width=1280, scheme="light"):
    """The page at a window width in CSS pixels, in a colour scheme."""
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    scheme_wanted = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", scheme_wanted)
    browser.get(address)
    return browser


def test_nothing_fails_and_nothing_is_asked_for_elsewhere(browser, address):
    for kind in ("browser", "performance"):
        browser.get_log(kind)
    opened(browser, address)
    assert browser.get_log("browser") == []
    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    assert not [event for event in events if event["method"] == "Network.loadingFailed"]
    sent = [event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"]
    assert address in sent
    assert all(url == address or url.startswith("data:") for url in sent)


def test_every_picture_is_drawn(browser, address):
    opened(browser, address)
    widths = browser.execute_script("return [...document.images].map(image => image.complete ? image.naturalWidth : 0)")
    assert len(widths) == 4
    assert min(widths) > 0


@pytest.mark.parametrize("width", [390, 1280])
def test_the_page_does_not_overflow_sideways(browser, address, width):
    opened(browser, address, width=width)
    browser.execute_script("document.querySelectorAll('details').forEach(each => { each.open = true })")
    needed = browser.execute_script("return document.documentElement.scrollWidth")
    assert needed <= width
    # Nothing is cut off either: what is wider than the page lies in a box that scrolls.
    outside = browser.execute_script(
        "return [...document.querySelectorAll('main *')].filter(each => !each.closest('.scroll, pre') && "
        "each.getBoundingClientRect().right > window.innerWidth).map(each => each.outerHTML.slice(0, 80))"
    )
    assert outside == []


def test_details_open_on_a_click(browser, address):
    from selenium.webdriver.common.by import By

    opened(browser, address)
    folded = browser.find_element(By.CSS_SELECTOR, "#configuration details")
    assert not folded.find_element(By.TAG_NAME, "pre").is_displayed()
    folded.find_element(By.TAG_NAME, "summary").click()
    assert folded.find_element(By.TAG_NAME, "pre").is_displayed()
    assert "horizon = 8000" in folded.find_element(By.TAG_NAME, "pre").text


def test_text_stands_out_in_both_schemes(browser, address):
    # WCAG 2.1, success criterion 1.4.3: a contrast of at least 4.5 for text.
    for scheme in ("light", "dark"):
        opened(browser, address, scheme=scheme)
        paper = luminance(colour(browser, "body", "backgroundColor"))
        assert (paper > 0.5) == (scheme == "light")
        for what in ("body", ".setting", ".unit", "a"):
            ink = luminance(colour(browser, what, "color"))
            assert (max(ink, paper) + 0.05) / (min(ink, paper) + 0.05) >= 4.5, (scheme, what)


def colour(browser, what, kind):
    """A computed colour as red, green and blue from 0 to 255."""
    said = browser.execute_script(f"return getComputedStyle(document.querySelector({what!r})).{kind}")
    return [float(part) for part in said.partition("(")[2].rstrip(")").split(",")[:3]]


def luminance(parts):
    """Relative luminance, WCAG 2.1."""
    shares = [part / 255 for part in parts]
    red, green, blue = [share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares]
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_it_prints(browser, address):
    opened(browser, address)
    printed = browser.execute_cdp_cmd("Page.printToPDF", {"paperWidth": 8.27, "paperHeight": 11.69})
    assert base64.b64decode(printed["data"]).startswith(b"%PDF")
