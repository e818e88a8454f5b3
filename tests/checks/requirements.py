"""The pinned packages: in step with pyproject.toml, with hashes, and from nowhere in particular."""

import re
import tomllib
from functools import cache
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.checks.outcome import ROOT, refuse

PIN = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==([^\s;\\]+)", re.MULTILINE)
FILES = {"production": (), "local": ("local",), "dev": ("local", "dev")}
"""Each file with the extras that it holds besides the dependencies."""


@cache
def pins(file: str) -> dict[str, set[str]]:
    """Return the versions under each name; a name has several only under different markers."""
    found: dict[str, set[str]] = {}
    for name, version in PIN.findall((ROOT / f"requirements/{file}.txt").read_text()):
        found.setdefault(canonicalize_name(name), set()).add(version)
    return found


def check_every_dependency_is_pinned_within_its_bounds() -> None:
    findings = []
    for file, extras in FILES.items():
        for wanted in _wanted(extras):
            versions = pins(file).get(canonicalize_name(wanted.name), set())
            if not versions:
                findings.append(f"requirements/{file}.txt has no {wanted.name}: make requirements")
            findings += [
                f"requirements/{file}.txt: {wanted.name} {version} is not {wanted.specifier}"
                for version in versions
                if not wanted.specifier.contains(version, prereleases=True)
            ]
    refuse(findings)


def check_all_files_name_the_same_versions() -> None:
    findings = []
    for smaller, larger in (("production", "local"), ("local", "dev")):
        findings += [
            f"{name} is {sorted(versions)} in {smaller}.txt and not in {larger}.txt"
            for name, versions in pins(smaller).items()
            if not versions <= pins(larger).get(name, set())
        ]
    refuse(findings)


def check_production_has_no_tools_of_development() -> None:
    ours = {canonicalize_name(one.name) for one in _wanted(())}
    tools = {canonicalize_name(one.name) for one in _wanted(("local", "dev"))} - ours
    # The image builds the package with the one, and the HTTP server brings the other.
    tools -= {"setuptools", "pyyaml"}
    refuse(
        [
            f"requirements/production.txt has {name}"
            for name in sorted(tools & set(pins("production")))
        ]
    )


def check_every_pin_has_hashes_and_no_address() -> None:
    findings = []
    for file in FILES:
        text = (ROOT / f"requirements/{file}.txt").read_text()
        for block in re.split(r"\n(?=[A-Za-z0-9])", text):
            name = block.partition("==")[0]
            if PIN.match(block) and "--hash=sha256:" not in block:
                findings.append(f"requirements/{file}.txt: {name} has no hash")
        if re.search(r"https?://|--(extra-)?index-url|--find-links", text):
            findings.append(f"requirements/{file}.txt names an address")
    refuse(findings)


def _wanted(extras: tuple[str, ...]) -> list[Requirement]:
    project: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    named = [Requirement(one) for one in project["dependencies"]]
    for extra in extras:
        named += [Requirement(one) for one in project["optional-dependencies"][extra]]
    return [one for one in named if one.name != project["name"]]
