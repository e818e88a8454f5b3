"""The OpenAPI document: complete, with every refusal in it, and examples that hold."""

import ast
import functools
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from temporalio.client import Client

from api.app import create_app
from api.services import Services
from db.engine import Database, open_engine
from domain.errors import DomainError, PartnerUnavailable
from runtime.settings import Settings
from tests.checks.outcome import ROOT, refuse

PROBLEM = "application/problem+json"
ALWAYS = {"500", "503"}
WITH_A_CREDENTIAL = {"401", "403"}
WITH_A_BODY = {"400", "408", "413", "422"}
HEALTH = "health-"
"""Answers 503 with the same body as 200: which part is away is what is asked."""


async def _away() -> Client:
    raise PartnerUnavailable("only the description is wanted")


@functools.cache
def document() -> dict[str, Any]:
    """Return the description of the app, which needs no database until it is asked something."""
    engine = open_engine("postgresql://nobody@127.0.0.1/nothing", application="check")
    return create_app(Services(Settings(), Database(engine), _away)).openapi()


def operations() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every operation under its method and path."""
    for path, methods in document()["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def check_operation_ids_are_unique_and_say_tag_and_verb() -> None:
    ids = Counter(operation["operationId"] for _, operation in operations())
    findings = [f"{name} names {times} operations" for name, times in ids.items() if times > 1]
    for place, operation in operations():
        tag, _, verb = operation["operationId"].partition("-")
        if [tag] != operation["tags"] or not verb:
            findings.append(f"{place}: {operation['operationId']} is not <tag>-<verb>")
    refuse(findings if ids else ["there are no operations"])


def check_every_operation_and_tag_is_explained() -> None:
    told = {one["name"] for one in document()["tags"] if _told(one)}
    used = {tag for _, operation in operations() for tag in operation["tags"]}
    findings = [f"{place} has no description" for place, one in operations() if not _told(one)]
    findings += [f"the tag {name} is not explained, or not used" for name in sorted(told ^ used)]
    refuse(findings)


def check_every_property_and_parameter_is_explained() -> None:
    findings = [
        f"{place}: {parameter['name']} in the {parameter['in']} has no {missing}"
        for place, operation in operations()
        for parameter in operation.get("parameters", ())
        for missing in ("description", "schema")
        if not parameter.get(missing)
    ]
    for name, schema in document()["components"]["schemas"].items():
        findings += [
            f"{name}: {field} {problem}"
            for field, one in schema.get("properties", {}).items()
            if (problem := _poorly_told(field, one))
        ]
    refuse(findings)


def _poorly_told(field: str, one: dict[str, Any]) -> str:
    """Say what is wrong with how a property is explained; a repeated name explains nothing."""
    said = one.get("description", "")
    if not said:
        return "has no description"
    words = re.findall(r"[a-z]+", said.lower())
    return "only repeats its name" if set(words) <= {*field.split("_"), "a", "the", "of"} else ""


def check_every_operation_documents_its_refusals_as_problems() -> None:
    findings = []
    for place, operation in operations():
        answers = operation["responses"]
        for code, answer in answers.items():
            media = set(answer.get("content", {}))
            if code[0] in "45" and media != {PROBLEM} and not _health(operation):
                findings.append(f"{place}: {code} is {media or 'without a body'}, not a problem")
        wanted = set() if _health(operation) else set(ALWAYS)
        if operation.get("security"):
            wanted |= WITH_A_CREDENTIAL
        if "requestBody" in operation:
            wanted |= WITH_A_BODY
        if any(one["in"] == "path" for one in operation.get("parameters", ())):
            wanted |= {"404"}
        findings += [f"{place} does not document {code}" for code in sorted(wanted - set(answers))]
    refuse(findings)


def check_every_good_answer_has_a_named_body_or_is_a_text() -> None:
    findings = []
    for place, operation in operations():
        good = {code: one for code, one in operation["responses"].items() if code[0] == "2"}
        if len(good) != 1:
            findings.append(f"{place} has {len(good)} kinds of good answers")
        for code, answer in good.items():
            content = answer.get("content", {})
            named = "$ref" in content.get("application/json", {}).get("schema", {})
            if not named and content.keys() != {"text/plain"}:
                findings.append(f"{place}: the body of {code} has no name")
    refuse(findings)


def check_every_schema_is_explained() -> None:
    schemas = document()["components"]["schemas"]
    refuse([f"{name} has no description" for name, one in schemas.items() if not _told(one)])


def check_every_enum_has_a_name() -> None:
    """An enum that stands in a property becomes a class of each property that has it."""
    described = document()
    named = described["components"]["schemas"].values()
    unnamed = [one for one in _enums(described) if not any(one is each for each in named)]
    refuse([f"{one['enum']} has no name" for one in unnamed])


def _enums(part: Any) -> Iterator[dict[str, Any]]:
    if isinstance(part, dict):
        if len(part.get("enum", ())) > 1:
            yield part
        part = list(part.values())
    if isinstance(part, list):
        for value in part:
            yield from _enums(value)


def check_what_refusals_bring_is_described() -> None:
    """Clients read the members of a problem by their types: each that the code gives is one."""
    kinds = {kind.__name__ for kind in _kinds(DomainError)}
    known = document()["components"]["schemas"]["Problem"]["properties"].keys()
    given: dict[str, str] = {}
    for layer in ("domain", "db", "activities", "api"):
        for path in sorted((ROOT / layer).rglob("*.py")):
            for call in ast.walk(ast.parse(path.read_text())):
                if isinstance(call, ast.Call) and getattr(call.func, "id", "") in kinds:
                    given |= {one.arg: path.name for one in call.keywords if one.arg}
    findings = [f"{where}: nothing is said of {name}" for name, where in given.items()]
    refuse([one for one in findings if one.rpartition(" ")[2] not in known])


def _kinds(kind: type[DomainError]) -> Iterator[type[DomainError]]:
    yield kind
    for each in kind.__subclasses__():
        yield from _kinds(each)


def check_names_are_those_of_generated_clients() -> None:
    schemas = document()["components"]["schemas"]
    findings = [f"{name} is no name of a class" for name in schemas if not name.isalnum()]
    findings += [
        f"{place} takes no body"
        for place, operation in operations()
        if place.startswith("POST /webhooks") and "requestBody" not in operation
    ]
    if not document().get("servers"):
        findings.append("there is no server")
    if "not_found" not in schemas["ProblemCode"]["enum"]:
        findings.append("the codes of problems are not listed")
    refuse(findings)


def check_every_answer_tells_of_its_headers() -> None:
    """D22: 304 too; that answers really carry them is seen in tests/api/test_headers.py."""
    findings = []
    for place, operation in operations():
        for status, answer in operation["responses"].items():
            told = set(answer.get("headers", {}))
            wanted = _headers(operation, status) | {"X-Request-Id"}
            findings += [f"{place}: {status} says nothing of {name}" for name in wanted - told]
    refuse(sorted(findings))


def _headers(operation: dict[str, Any], status: str) -> set[str]:
    """Return what is sent with an answer of this status, as RFC 9110 and our documents want it."""
    if status == "304" or (status == "200" and "304" in operation["responses"]):
        return {"ETag"}
    if status[0] == "2":
        given = [one["name"] for one in operation.get("parameters", ())]
        return {"Idempotent-Replayed"} if "Idempotency-Key" in given else set()
    if status in ("429", "503"):
        return set() if _health(operation) else {"Retry-After"}
    return {"WWW-Authenticate"} if status == "401" else set()


def check_every_reference_leads_somewhere() -> None:
    components = document()["components"]
    known = {f"#/components/{kind}/{name}" for kind in components for name in components[kind]}
    refuse(sorted({f"{one} does not exist" for one in _references(document())} - _said(known)))


def check_what_needs_a_credential_says_which() -> None:
    known = set(document()["components"]["securitySchemes"])
    findings = []
    for place, operation in operations():
        named = {name for one in operation.get("security", ()) for name in one}
        unsaid = "security" not in operation or ("x-command" in operation) != bool(named)
        if unsaid or named - known:
            findings.append(f"{place}: {sorted(named) or 'no credential'}")
    refuse(findings)


def check_every_body_has_an_example() -> None:
    """That they are accepted is seen in tests/workflows/test_examples.py."""
    findings = []
    for place, operation in operations():
        content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
        if content and not content.get("examples") and not place.startswith("POST /webhooks"):
            findings.append(f"{place} has no example")
    refuse(findings)


def _health(operation: dict[str, Any]) -> bool:
    return str(operation["operationId"]).startswith(HEALTH)


def _told(schema: dict[str, Any]) -> bool:
    return bool(schema.get("description"))


def _said(known: set[str]) -> set[str]:
    return {f"{one} does not exist" for one in known}


def _references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        if isinstance(part.get("$ref"), str):
            yield part["$ref"]
        for value in part.values():
            yield from _references(value)
    elif isinstance(part, list):
        for value in part:
            yield from _references(value)
