"""The OpenAPI description: problems as problems, and which credential each route wants."""

import json
from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from api.components import open_answers, share_forms
from api.deps import Require
from api.examples import EXAMPLES
from api.headers import (
    COMPONENTS,
    ETAG,
    RATE_LIMIT,
    RATE_LIMIT_POLICY,
    REPLAYED,
    REQUEST_ID,
    refer,
)
from api.idempotency import HEADER as KEY_HEADER
from api.idempotency import PATTERN, optional_key, required_key
from api.problems import Problem
from domain.access import Command
from domain.errors import DomainError
from domain.value import told_fields

_CREDENTIALS = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "An API key or a JWT."},
    "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
}

_ABOUT = """\
Send an API key or a JWT as `Authorization: Bearer …`, or a key as `X-API-Key`; `x-command` says
what the caller must be allowed to do. Money is an integer of minor units with its currency. What
creates something takes an `Idempotency-Key`, under which it is safe to repeat. Lists go on at
`next` until that is null. Every refusal is a `Problem`: branch on its `code`.
"""
_TAGS = {
    "orders": "What customers asked us to deliver: placed, steered, and followed to their end.",
    "shipments": "Goods that travel together, with their parcels and what the carrier says.",
    "payments": "Attempts to pay an order, each with its ledger.",
    "returns": "Goods that come back: asked for, authorized, received, inspected, resolved.",
    "refunds": "Money on its way back to customers: asked for, approved, given back.",
    "warranties": "What was promised with sold goods, by terms, and whether it holds today.",
    "claims": "Faults of goods under warranty: filed, judged, and what the customer gets for them.",
    "work_orders": "Work on goods that exist: planned, supplied, done, and signed off by another.",
    "technicians": "Who does work, in what each is skilled, and how much is planned with whom.",
    "items": "What is stocked and sold, with list prices.",
    "customers": "Who buys.",
    "inventory": "What is where and what of it is promised, its ledger, and the sites.",
    "tasks": "What people are asked, and their answers.",
    "events": "Everything that has happened, in one order: the feed.",
    "webhooks": "What partners tell us.",
    "health": "Whether this process and what it needs can answer.",
}


def install(app: FastAPI) -> None:
    """Describe the app when it is first asked for."""

    def describe() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _describe(app)
        return app.openapi_schema

    app.openapi = describe  # type: ignore[method-assign]


def command_of(route: APIRoute) -> Command | None:
    """Return the command that callers of a route must be allowed; None for an open route."""
    commands = (call.command for call in _calls(route.dependant) if isinstance(call, Require))
    return next(commands, None)


def _calls(dependant: Dependant) -> Iterator[Any]:
    for inner in dependant.dependencies:
        yield inner.call
        yield from _calls(inner)


def _describe(app: FastAPI) -> dict[str, Any]:
    described = get_openapi(
        title=app.title,
        version=app.version,
        summary=app.summary,
        description=_ABOUT,
        tags=[{"name": name, "description": told} for name, told in _TAGS.items()],
        routes=app.routes,
    )
    components = described.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    schemas.pop("HTTPValidationError", None)
    schemas.pop("ValidationError", None)
    described["servers"] = [{"url": "/", "description": "The host of this document."}]
    problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas.update(problem.pop("$defs", {}))
    schemas["Problem"] = problem
    schemas["ProblemCode"] = {
        "type": "string",
        "enum": sorted({refusal.code for refusal in _refusals(DomainError)}),
        "description": "The kind of a refusal; stable, so that clients branch on it.",
    }
    code = problem["properties"]["code"]
    problem["properties"]["code"] = {
        "$ref": "#/components/schemas/ProblemCode",
        "description": code["description"],
    }
    described = share_forms(described)
    open_answers(described)
    components = described["components"]
    components["securitySchemes"] = _CREDENTIALS
    components["headers"] = COMPONENTS
    for route in app.routes:
        if isinstance(route, APIRoute) and route.include_in_schema:
            for method in route.methods or ():
                _complete(described["paths"][route.path_format][method.lower()], route)
    return _named(described)


def _named(described: dict[str, Any]) -> dict[str, Any]:
    """Name the pages by their titles: the framework names a generic type by its parameters."""
    text = json.dumps(described)
    for name, schema in described["components"]["schemas"].items():
        if not name.isalnum():
            text = text.replace(f'/{name}"', f'/{schema["title"]}"')
            text = text.replace(f'"{name}": {{', f'"{schema["title"]}": {{')
    named: dict[str, Any] = json.loads(text)
    return named


def _refusals(kind: type[DomainError]) -> Iterator[type[DomainError]]:
    for refusal in kind.__subclasses__():
        yield refusal
        yield from _refusals(refusal)


def _complete(operation: dict[str, Any], route: APIRoute) -> None:
    """Add what routes do without declaring it: who may ask, keys, headers; and what explains."""
    calls = list(_calls(route.dependant))
    keyed = required_key in calls or optional_key in calls
    command = command_of(route)
    operation["security"] = [{name: []} for name in _CREDENTIALS] if command else []
    if command is not None:
        operation["x-command"] = str(command)
    if keyed:
        operation.setdefault("parameters", []).append(
            {
                "name": KEY_HEADER,
                "in": "header",
                "required": required_key in calls,
                "description": "Repeating the request with the same key is safe for 72 hours.",
                "schema": {"type": "string", "pattern": PATTERN},
            }
        )
    for status, answer in operation["responses"].items():
        names = _carried(status, tagged="304" in operation["responses"], keyed=keyed)
        limited = (RATE_LIMIT, RATE_LIMIT_POLICY) if command or status == "429" else ()
        answer["headers"] = {**answer.get("headers", {}), **refer((*names, *limited))}
    _explain_query(operation, route)
    _show_bodies(operation)


def _explain_query(operation: dict[str, Any], route: APIRoute) -> None:
    for model in (each.field_info.annotation for each in route.dependant.query_params):
        told = told_fields(model) if isinstance(model, type) else {}
        for parameter in operation.get("parameters", ()):
            if parameter["name"] in told:
                parameter.setdefault("description", told[parameter["name"]])


def _show_bodies(operation: dict[str, Any]) -> None:
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    name = content.get("schema", {}).get("$ref", "").rpartition("/")[2]
    if name in EXAMPLES:
        content["examples"] = {
            f"{number}": {"summary": summary, "value": body}
            for number, (summary, body) in enumerate(EXAMPLES[name].items(), start=1)
        }


def _carried(status: str, *, tagged: bool, keyed: bool) -> Iterator[str]:
    """Yield the headers of an answer of this status, besides those that the route tells of."""
    yield REQUEST_ID
    if tagged and status in ("200", "304"):
        yield ETAG
    if keyed and status[0] == "2":
        yield REPLAYED
