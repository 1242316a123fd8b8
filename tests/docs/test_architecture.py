"""The page on the architecture describes the code as it is."""

import importlib
import re
import tomllib
from pathlib import Path

import pytest

import qabel
from tests.integration.processes import ROOT

PAGE = (ROOT / "docs" / "architecture.rst").read_text()
PACKAGE = Path(qabel.__file__).parent

LITERALS = sorted(set(re.findall(r"``([^`]+)``", PAGE)))
PATHS = [
    each for each in LITERALS if re.fullmatch(r"[a-z_][\w.-]*(/[\w.-]+)*(/|\.py|\.toml)", each)
]
NAMES = [each for each in LITERALS if re.fullmatch(r"[a-z_]+(\.\w+)+", each) and each not in PATHS]


def shown_layers(package: str) -> list[str]:
    """Return the layers of a package that the page shows."""
    block = re.search(rf":caption: The layers of {re.escape(package)}\n\n((?: +\S.*\n)+)", PAGE)
    assert block is not None
    return [line.strip() for line in block[1].splitlines()]


def enforced_layers(package: str) -> list[str]:
    """Return the layers of a package that import-linter enforces."""
    config = tomllib.loads((ROOT / "pyproject.toml").read_text())
    [contract] = [
        each
        for each in config["tool"]["importlinter"]["contracts"]
        if each["type"] == "layers" and each["containers"] == [package]
    ]
    layers: list[str] = contract["layers"]
    return layers


def resolve(name: str) -> object:
    """Return what a dotted name below ``qabel`` means. Raises an exception if it means nothing."""
    parts = ["qabel", *name.split(".")]
    found: object = qabel
    for number, part in enumerate(parts[1:], start=2):
        if not hasattr(found, part):
            importlib.import_module(".".join(parts[:number]))
        found = getattr(found, part)
    return found


def packages() -> list[str]:
    """Return all packages and the modules at the top of ``qabel``, as the page writes them."""
    inner = [each.parent for each in PACKAGE.rglob("__init__.py") if each.parent != PACKAGE]
    modules = [each.name for each in PACKAGE.glob("*.py") if each.name != "__init__.py"]
    return sorted([*(f"{each.relative_to(PACKAGE)}/" for each in inner), *modules])


@pytest.mark.parametrize("path", PATHS)
def test_path_exists(path: str) -> None:
    """A path on the page exists below ``qabel/``, or in the root of the repository."""
    assert (PACKAGE / path).exists() or (ROOT / path).exists()


@pytest.mark.parametrize("name", NAMES)
def test_name_exists(name: str) -> None:
    """A dotted name on the page means something in ``qabel``."""
    resolve(name)


def test_names_and_paths_are_found() -> None:
    """The literals on the page are told apart, and a wrong name is an error."""
    assert "core/wiring.py" in PATHS
    assert "core.service.CoreService" in NAMES
    with pytest.raises(ImportError):
        resolve("core.service.CoreService.nothing")


@pytest.mark.parametrize("package", packages())
def test_package_is_described(package: str) -> None:
    """Each package, and each module at the top of ``qabel``, is on the page."""
    assert package in LITERALS


@pytest.mark.parametrize("package", ["qabel", "qabel.core"])
def test_layers_are_the_enforced_ones(package: str) -> None:
    """The layers on the page are those that import-linter enforces."""
    assert shown_layers(package) == enforced_layers(package)
