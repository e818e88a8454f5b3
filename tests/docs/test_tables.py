"""The tables of the documents say what the code says."""

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any, get_args

import pytest
from pydantic import SecretStr
from pydantic_settings import BaseSettings
from typer.main import get_command

from api import refusals
from domain import errors
from domain.access import ALLOWED, GRANTABLE, Command, Role
from domain.policy import Policy
from gateways.partners import PARTNERS
from runtime.cli import app
from runtime.settings import Settings
from simulators.carrier.areas import AREAS
from simulators.carrier.routes import OPERATIONS as CARRIER_OPERATIONS
from simulators.carrier.scenarios import POSTAL_CODES, SCENARIOS
from simulators.faults import MoneyFault, OperationFault, WebhookFault
from simulators.payments.routes import OPERATIONS as PAYMENTS_OPERATIONS
from simulators.payments.rules import TOKENS
from simulators.settings import SimulatorSettings
from tests.checks.openapi import operations
from tests.docs.examples import ROOT

INTEGRATING = (ROOT / "docs/integrating.md").read_text()
CONFIGURATION = (ROOT / "docs/configuration.md").read_text()
# The family itself: every refusal is one of its members.
UNHEARD = {"refused"}


def rows(text: str, heading: str) -> Iterator[list[str]]:
    """Yield the cells of the first table after a heading, without its head."""
    lines = text.partition(heading)[2].splitlines()
    start = next(place for place, line in enumerate(lines) if line.startswith("|"))
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            return
        yield [cell.strip() for cell in line.strip("|").split(" | ")]


def test_every_refusal_is_listed_with_its_status() -> None:
    written = {(row[0].strip("` "), int(row[1])) for row in rows(INTEGRATING, "## Refusals")}
    classes = [
        each
        for module in (errors, refusals)
        for each in vars(module).values()
        if isinstance(each, type) and issubclass(each, errors.DomainError)
    ]
    assert written == {(each.code, each.status) for each in classes if each.code not in UNHEARD}


def test_each_operation_stands_where_it_says_what_becomes_of_its_key() -> None:
    """Needed, or honoured when sent: as the description of the operation has it."""
    listed = {
        operation: head.split(";")[0]
        for head, cell in rows(INTEGRATING, "### Idempotency")
        for operation in re.findall(r"`((?:POST|PATCH) [^`]+)`", cell)
    }
    described = {
        re.sub(r"{[^}]*}", "{id}", name): "needed" if one["required"] else "honoured when sent"
        for name, operation in operations()
        for one in operation.get("parameters", ())
        if one["name"] == "Idempotency-Key"
    }
    assert listed == described


def test_every_command_is_listed_with_its_roles() -> None:
    written = {row[0].strip("` "): row[1] for row in rows(INTEGRATING, "refused with 403")}
    assert written == {str(command): roles_of(command) for command in Command}


def roles_of(command: Command) -> str:
    """Write the roles of a command as the table does."""
    allowed = ALLOWED[command]
    names = [role for role in Role if role in allowed]
    others = [role for role in Role if role not in allowed]
    if not others:
        return "all"
    text = ", ".join(names) if len(others) > 2 else "all but " + ", ".join(others)
    granted = ", ".join(sorted(GRANTABLE.get(command, ())))
    return f"{text}; {granted} with the scope" if granted else text


def test_the_sandbox_partners_are_described_as_they_behave() -> None:
    cards = {row[0].strip("` "): row[1] for row in rows(INTEGRATING, "**Cards**")}
    addresses = [row[0].strip("` ") for row in rows(INTEGRATING, "**Addresses**")]
    assert cards.keys() == TOKENS.keys()
    assert addresses == [*sorted({**AREAS, **POSTAL_CODES}), "any other"]
    sandbox = INTEGRATING.partition("**Scans**")[2]
    words = set(re.findall(r"`(\w+)`", sandbox))
    faults = {*get_args(OperationFault), *get_args(WebhookFault), *get_args(MoneyFault)}
    assert words >= {*SCENARIOS, *CARRIER_OPERATIONS, *PAYMENTS_OPERATIONS, *faults}


@pytest.mark.parametrize(
    ("heading", "prefix", "settings"),
    [
        ("## Settings", "STATESET_", (Settings, *(each.settings for each in PARTNERS.values()))),
        ("## Sandbox", "SIMULATOR_", (SimulatorSettings,)),
    ],
)
def test_every_setting_is_listed_with_its_default(
    heading: str, prefix: str, settings: Sequence[type[BaseSettings]]
) -> None:
    section = CONFIGURATION.partition(f"{heading}\n")[2].partition("\n## ")[0]
    written = dict(re.findall(rf"^\| `({prefix}\w+)` \| (.*?) \|", section, re.MULTILINE))
    assert written == {
        f"{each.model_config.get('env_prefix')}{name.upper()}": shown(
            field.default if not field.is_required() else ...
        )
        for each in settings
        for name, field in each.model_fields.items()
    }


def test_what_the_company_decides_is_given_to_api_and_worker_alike() -> None:
    """A refund is worked out by the same shipping rates as the estimate that was shown before."""
    readers = {row[0].strip("` "): row[2] for row in rows(CONFIGURATION, "## Settings")}
    compose = (ROOT / "docker-compose.yml").read_text()
    both = compose.partition("x-stateset-environment:")[2].partition("\nservices:")[0]
    for name in Policy.model_fields:
        setting = f"STATESET_{name.upper()}"
        assert readers[setting] == "api, worker", setting
        assert f"  {setting}:\n" in both, setting


def test_every_word_of_the_glossary_is_explained_once() -> None:
    """The same word twice is two meanings, or one that is told in two ways."""
    words = [row[0] for row in rows((ROOT / "docs/glossary.md").read_text(), "# ")]
    assert len(words) > 50
    assert sorted({word for word in words if words.count(word) > 1}) == []


def shown(default: Any) -> str:
    """Write a default as the tables do."""
    if default is ...:
        return "required"
    if default is None or default == "":
        return "-"
    if isinstance(default, SecretStr):
        return "the sandbox's"
    if hasattr(default, "total_seconds"):
        return f"{default.total_seconds():.10g} s"
    return f"`{json.dumps(default) if isinstance(default, dict) else default}`"


def test_every_command_of_the_command_line_is_listed() -> None:
    commands = getattr(get_command(app), "commands")  # noqa: B009
    written = [name for row in rows(CONFIGURATION, "## Commands") for name in row[0].split(", ")]
    assert {name.strip("`") for name in written} == {f"stateset {name}" for name in commands}


def test_every_link_of_a_document_leads_somewhere() -> None:
    broken = []
    for path in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\(([^)#]+)[^)]*\)", path.read_text()):
            if "://" not in target and not (path.parent / target).exists():
                broken.append(f"{path.relative_to(ROOT)}: {target}")
    assert broken == []


def test_every_anchor_within_a_document_exists() -> None:
    broken = []
    for path in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]:
        text = path.read_text()
        anchors = {anchor(each) for each in re.findall(r"^#+ (.+)$", text, re.MULTILINE)}
        broken += [
            f"{path.relative_to(ROOT)}: #{name}"
            for name in re.findall(r"\]\(#([^)]+)\)", text)
            if name not in anchors
        ]
    assert broken == []


def anchor(heading: str) -> str:
    """Return the anchor of a heading, by GitHub's rule."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
