"""The OpenAPI description: problems as problems, and which credential each route wants."""

from typing import Any

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from api.deps import Require
from api.problems import Problem
from domain.access import Command

_CREDENTIALS = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "An API key or a JWT."},
    "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
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
    return _command(route.dependant)


def _command(dependant: Dependant) -> Command | None:
    if isinstance(dependant.call, Require):
        return dependant.call.command
    found = (_command(inner) for inner in dependant.dependencies)
    return next((command for command in found if command is not None), None)


def _describe(app: FastAPI) -> dict[str, Any]:
    described = get_openapi(
        title=app.title, version=app.version, summary=app.summary, routes=app.routes
    )
    components = described.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    schemas.pop("HTTPValidationError", None)
    schemas.pop("ValidationError", None)
    problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas.update(problem.pop("$defs", {}))
    schemas["Problem"] = problem
    components["securitySchemes"] = _CREDENTIALS
    for route in app.routes:
        if not isinstance(route, APIRoute):
            continue
        command = command_of(route)
        if command is None:
            continue
        for method in route.methods:
            operation = described["paths"][route.path_format][method.lower()]
            operation["security"] = [{name: []} for name in _CREDENTIALS]
            operation["x-command"] = str(command)
    return described
