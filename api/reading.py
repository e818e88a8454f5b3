"""Routes that only read: described like all others, served without FastAPI's general machinery."""

import inspect
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from fastapi import Request, Response
from fastapi._compat import ModelField
from fastapi.dependencies.models import Dependant
from fastapi.dependencies.utils import request_params_to_args
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.types import Receive, Scope, Send

_Source = Callable[[Request], Mapping[str, Any]]
_SOURCES: Mapping[str, _Source] = {
    "path_params": lambda request: request.path_params,
    "query_params": lambda request: request.query_params,
    "header_params": lambda request: request.headers,
}


class ReadRoute(APIRoute):
    """A GET whose handler returns its whole answer; what to ask for it is found out once.

    Its dependencies take the request and nothing else, and come before its parameters, which
    FastAPI reads as ever: what is refused, and how, does not differ from other routes.
    """

    def __init__(self, path: str, endpoint: Callable[..., Any], **described: Any) -> None:
        """Raise TypeError for a handler that wants what such a route does not give."""
        super().__init__(path, endpoint, **described)
        wanted = self.dependant
        if self.methods != {"GET"} or wanted.body_params or wanted.cookie_params:
            raise TypeError(f"{path} does more than read")
        self._calls = [(str(each.name), _simple(each)) for each in wanted.dependencies]
        self._parameters = [
            _Parameter(field, source)
            for name, source in _SOURCES.items()
            for field in getattr(wanted, name)
        ]
        self.app = self._serve

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive, send)
        given: dict[str, Any] = {}
        for name, call in self._calls:
            given[name] = await call(request)
        errors: list[Any] = []
        for parameter in self._parameters:
            values, wrong = parameter.read(request)
            given.update(values)
            errors += wrong
        if errors:
            raise RequestValidationError(errors)
        if self.dependant.request_param_name:
            given[self.dependant.request_param_name] = request
        answer: Response = await self.endpoint(**given)
        await answer(scope, receive, send)


class _Parameter:
    """One parameter; what FastAPI makes of its absence is found out once."""

    def __init__(self, field: ModelField, source: _Source) -> None:
        self._field = field
        self._source = source
        self._key = field.alias
        self._absent, wrong = request_params_to_args([field], {})
        self._plain = not wrong and self._absent == {field.name: None}

    def read(self, request: Request) -> tuple[dict[str, Any], list[Any]]:
        source = self._source(request)
        if self._plain and self._key not in source:
            return self._absent, []
        return request_params_to_args([self._field], source)


def _simple(wanted: Dependant) -> Callable[[Request], Awaitable[Any]]:
    call = wanted.call
    assert call is not None
    function = call if inspect.isroutine(call) else type(call).__call__
    takes = list(inspect.signature(call).parameters)
    if takes != [wanted.request_param_name] or not inspect.iscoroutinefunction(function):
        raise TypeError(f"{call} takes more than the request")
    return call
