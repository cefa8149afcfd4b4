"""The site builds strictly, holds every page, loads nothing from elsewhere, and its links lead somewhere."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from tests.docs.pages import PAGES, ROOT

LOADS = {("script", "src"), ("link", "href"), ("img", "src"), ("iframe", "src"), ("source", "src")}
PLACES = {"canonical", "prev", "next", "alternate"}
"""What a `link` may point to without anything being loaded."""


class Page(HTMLParser):
    """What one built page loads, links to, and has as places to link to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.links: list[str] = []
        self.places: set[str] = {""}
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.places |= {given[name] for name in ("id", "name") if name in given}
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        for kind, name in LOADS:
            if tag == kind and name in given and given.get("rel") not in PLACES:
                self.loads.append(given[name])


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    if importlib.util.find_spec("mkdocs") is None:
        message = "mkdocs is not installed (extra `docs`)"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def built(site: Path) -> dict[Path, Page]:
    return {path: Page(path.read_text(encoding="utf-8")) for path in sorted(site.rglob("*.html"))}


def test_every_page_is_built_and_in_the_navigation(site: Path, built: dict[Path, Page]):
    home = {urlsplit(link).path for link in built[site / "index.html"].links}
    for page in [*PAGES, *sorted((ROOT / "docs" / "reference").glob("*.md"))]:
        name = page.relative_to(ROOT / "docs").with_suffix(".html").as_posix()
        assert (site / name).is_file(), name
        assert name in home, f"{name} is not in the navigation"


def test_nothing_is_loaded_from_elsewhere(site: Path, built: dict[Path, Page]):
    for path, page in built.items():
        outside = [address for address in page.loads if urlsplit(address).scheme or address.startswith("//")]
        assert not [address for address in outside if not address.startswith("data:")], path
        # The theme fetches a library from elsewhere for diagrams of this kind, and for nothing else.
        assert "mermaid" not in path.read_text(encoding="utf-8"), path
    for sheet in site.rglob("*.css"):
        found = re.findall(r"(?:url\(|@import)\s*[\"']?(?:https?:)?//[^)\"']+", sheet.read_text(encoding="utf-8"))
        assert not found, sheet


def test_every_link_leads_somewhere(site: Path, built: dict[Path, Page]):
    count = 0
    for path, page in built.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc or path.name == "404.html":
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            assert target.exists(), f"{path.relative_to(site)}: {link}"
            if target in built and parts.fragment:
                assert unquote(parts.fragment) in built[target].places, f"{path.relative_to(site)}: {link}"
            count += 1
    assert count > 500


def test_the_reference_has_signatures_arguments_and_examples(site: Path):
    venues = (site / "reference" / "venues.html").read_text(encoding="utf-8")
    assert 'id="venues.clob.ContinuousBook"' in venues
    for words in ("price-time priority", "maker_fee_ppm", "Examples:"):
        assert words in venues
    assert "<code>&#39;allow&#39;</code>" in venues  # a default, out of an attrs field
    assert "_books" not in venues  # what is private stays so


def test_the_pictures_of_the_ideas_can_be_drawn_again(tmp_path):
    command = [sys.executable, str(ROOT / "docs" / "pictures" / "make.py"), str(tmp_path)]
    subprocess.run(command, check=True, capture_output=True)
    drawn = {path.name for path in tmp_path.iterdir()}
    assert drawn == {path.name for path in (ROOT / "docs" / "pictures").glob("*.svg")}
    assert all(b"</svg>" in (tmp_path / name).read_bytes() for name in drawn)
