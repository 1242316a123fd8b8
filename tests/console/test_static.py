"""What the files of the page hold: their size, their texts, and what came from elsewhere."""

import hashlib
import re
import subprocess
from pathlib import Path

import pytest

from qabel.console.pages import PLACE, load_pages
from tests.integration.processes import ROOT

STATIC = ROOT / "qabel" / "console" / "static"
DOCS = ROOT / "qabel" / "rest" / "page"

FIRST_LOAD = 150_000
"""Bytes that the page may have when it is opened, with the first view."""

TSC = ROOT / "tests" / "browser" / "node_modules" / ".bin" / "tsc"

IMPORTED = re.compile(r'^\s*(?:import|export)\b[^;]*?\bfrom\s+"([^"]+)"|^import\s+"([^"]+)"', re.M)


def sources() -> list[Path]:
    """Return the scripts of the page, without those of others."""
    return sorted(path for path in STATIC.rglob("*.js") if path.parent.name != "vendor")


FILES = ("common", "people", "care")
"""Those with texts."""


def keys(language: str, *files: str) -> dict[str, str]:
    """Return the texts of a language by their keys, as they stand in the files."""
    folder = STATIC / "texts" / language
    source = "".join((folder / f"{name}.js").read_text("utf-8") for name in files or FILES)
    parts = re.split(r'^  (?:"([\w.-]+)"|(\w+)): ?', source, flags=re.M)[1:]
    names = [quoted or plain for quoted, plain in zip(parts[::3], parts[1::3], strict=True)]
    assert len(names) == len(set(names)), "a key stands there twice"
    return dict(zip(names, parts[2::3], strict=True))


def test_the_first_load_is_small() -> None:
    """The page with its conversations, and with the first run, is small with all it loads."""
    index = (STATIC / "index.html").read_text()
    named = [
        STATIC / each.removeprefix(f"{PLACE}/")
        if each.startswith(PLACE)
        else DOCS / each.removeprefix("/docs/")
        for each in re.findall(r'(?:src|href)="([^"]+)"', index)
    ]
    first = {STATIC / "index.html", *(STATIC / "texts" / "de").glob("common.js")}
    for view in ("chat", "welcome"):
        there = first | loaded_by(*named, STATIC / "views" / f"{view}.js")
        if view == "welcome":
            there |= {STATIC / "texts" / "de" / "people.js", STATIC / "styles" / "people.css"}
        assert {STATIC / "main.js", STATIC / "vendor" / "preact.js"} <= there
        assert STATIC / "views" / "settings.js" not in there
        assert sum(path.stat().st_size for path in there) < FIRST_LOAD, view


def loaded_by(*paths: Path) -> set[Path]:
    """Return files with all that they import."""
    waiting, there = [*paths], set[Path]()
    while waiting:
        path = waiting.pop().resolve()
        if path in there:
            continue
        there.add(path)
        if path.suffix == ".js":
            found = IMPORTED.findall(path.read_text("utf-8"))
            waiting += [path.parent / (one or other) for one, other in found]
    return there


def test_all_languages_have_the_same_texts() -> None:
    """There is a text of each key in each language, with the same values and forms."""
    english, german = keys("en"), keys("de")
    assert set(english) ^ set(german) == set()
    for key, text in english.items():
        assert set(re.findall(r"\{\w+\}", text)) == set(re.findall(r"\{\w+\}", german[key])), key
        assert text.startswith("{") == german[key].startswith("{"), key


def test_each_text_that_is_used_is_there() -> None:
    """A key that a view names, or begins to name, stands in the texts."""
    there = keys("en")
    used = set()
    for path in sources():
        source = path.read_text("utf-8")
        used |= set(re.findall(r'\bt\("([^"]+)"', source))
        for start in re.findall(r"\bt\(`([^`$]*)\$\{", source):
            assert any(key.startswith(start) for key in there), (path.name, start)
    assert len(used) > 20
    assert used - set(there) == set()


@pytest.mark.parametrize(
    ("view", "files"),
    [
        ("chat", ["common"]),
        ("requests", ["common"]),
        ("search", ["common"]),
        ("people", ["common", "people"]),
        ("waiting", ["common", "people"]),
        ("welcome", ["common", "people"]),
        ("health", ["common", "care"]),
        ("settings", ["common", "care"]),
    ],
)
def test_a_view_has_its_texts(view: str, files: list[str]) -> None:
    """What a view says, and all that it is made of, stands in the files that it loads."""
    used = set()
    for path in loaded_by(STATIC / "views" / f"{view}.js"):
        used |= set(re.findall(r'\bt\("([^"]+)"', path.read_text("utf-8")))
    assert used - set(keys("en", *files)) == set()


def test_what_came_from_elsewhere_is_unchanged() -> None:
    """Each file in vendor has the checksum that its README says, and no other is there."""
    vendor = STATIC / "vendor"
    readme = (vendor / "README.txt").read_text()
    named = dict(re.findall(r"^([\w.-]+\.js):.*?sha256: ([0-9a-f]{64})$", readme, re.M | re.S))
    assert {path.name for path in vendor.glob("*.js")} == set(named)
    for name, digest in named.items():
        assert hashlib.sha256((vendor / name).read_bytes()).hexdigest() == digest, name


def test_every_file_is_served() -> None:
    """What lies in the folder of the page can be loaded, except for types."""
    served = {each.path.removeprefix(f"{PLACE}/") for each in load_pages()} - {"/"}
    there = {path.relative_to(STATIC).as_posix() for path in STATIC.rglob("*") if path.is_file()}
    assert {name for name in there if not name.endswith(".d.ts")} == served | {"index.html"}


def test_nothing_is_drawn_from_texts_of_others() -> None:
    """No script makes elements of a string, or code of one."""
    for path in sources():
        source = path.read_text("utf-8")
        assert not re.search(
            r"innerHTML|outerHTML|insertAdjacentHTML|\beval\(|new Function", source
        )
        assert source.startswith("// @ts-check"), path


@pytest.mark.skipif(not TSC.exists(), reason="npm ci was not run in tests/browser")
def test_types() -> None:
    """The types of the page are sound, strictly."""
    done = subprocess.run(
        [TSC, "-p", ROOT / "tests" / "browser"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
