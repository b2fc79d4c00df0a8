"""What the source package of a library says."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import replace

import msgspec
import pytest

from debonair import target
from debonair.source.library import stdeb
from debonair.source.library.recipe import Probed, Recipe

EPOCH = 1_700_000_000
LIBRARY = Probed(
    name="RPi.bme280",
    version="0.2.4",
    summary="A library to drive\n a BME280 sensor",
    author="Richard Hull <richard@example.org>",
    homepage="https://bme280.example.org",
    license="MIT",
    license_text="The MIT License\n\nCopyright (c) 2016 Richard Hull\n",
    build_depends=("python3-setuptools",),
)
RECIPE = Recipe(
    LIBRARY,
    "python3-rpi.bme280",
    "0.2.4-1+deb13",
    target.load("trixie-arm64"),
    ("python3-smbus2 (>= 0.4)", "python3-tz"),
    "Ada <ada@example.org>",
)
BEGUN = {
    "control": """\
Source: rpi.bme280
Maintainer: unknown <unknown@unknown>
Section: python
Priority: optional
Build-Depends: dh-python, python3-setuptools, python3-all, debhelper (>= 12)
Standards-Version: 4.7.0
Homepage: UNKNOWN


Package: python3-rpi.bme280
Architecture: all
Depends: ${misc:Depends}, ${python3:Depends}, python3-smbus2 (>= 0.4), python3-tz
Description: cut off at sixty characters
 .
"""
}


def debian(recipe: Recipe = RECIPE) -> dict[str, str]:
    return recipe.debian(BEGUN, ["libi2c-dev"], EPOCH)


def told(recipe: Recipe) -> dict[str, str]:
    """Return what stdeb reads, by name."""
    return {path.removeprefix("sdist/"): data.decode() for path, data in stdeb.settings(recipe)}


@pytest.mark.parametrize("name", ["control", "rules", "copyright", "changelog", "source/format"])
def test_what_debian_says(name: str, golden: Callable[[str, str], None]) -> None:
    golden(f"library/{name.replace('/', '.')}", debian()[name])


@pytest.mark.parametrize("name", ["setup.py", "stdeb.cfg"])
def test_what_stdeb_is_told(name: str, golden: Callable[[str, str], None]) -> None:
    golden(f"library/{name}", told(RECIPE)[name])


def test_nothing_leaves_its_quotes() -> None:
    odd = msgspec.structs.replace(LIBRARY, name='x"""\\', summary='it\'s "so" \\ ünï\n) or 1')
    code = told(replace(RECIPE, library=odd))["setup.py"].partition("\n")[2]
    (call,) = (node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Call) and node.keywords)
    values = {each.arg: ast.literal_eval(each.value) for each in call.keywords if each.arg != "ext_modules"}
    assert values["name"] == 'x"""\\'
    assert values["description"].startswith('it\'s "so" \\ ünï ) or 1')


def test_what_is_compiled_is_built_with_pythons_headers() -> None:
    compiled = replace(RECIPE, library=msgspec.structs.replace(LIBRARY, compiled=True))
    assert "python3-all-dev" in debian(compiled)["control"]
    assert "if True else []" in told(compiled)["setup.py"]


@pytest.mark.parametrize(
    ("summary", "synopsis"),
    [("", "Python library x"), ("sensors", "Python library x"), ("The sensors of it.", "sensors of it")],
)
def test_a_synopsis_is_more_than_a_word(summary: str, synopsis: str) -> None:
    bare = Probed("x", "1.0", summary=summary)
    made = debian(replace(RECIPE, library=bare))
    assert f"Description: {synopsis}\n" in made["control"]


def test_a_library_that_says_little_of_its_licence() -> None:
    made = debian(replace(RECIPE, library=Probed("x", "1.0", license="GPL-3.0-or-later")))["copyright"]
    assert "/usr/share/common-licenses/GPL-3." in made
    assert "Copyright: The authors of x" in made
    made = debian(replace(RECIPE, library=Probed("x", "1.0")))["copyright"]
    assert "The library does not state a licence." in made
