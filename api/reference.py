"""The reference of all routes at `/docs`: a page whose every part comes from this server."""

import hashlib
from base64 import b64encode
from pathlib import Path

import fastapi_offline
from fastapi import FastAPI, Response
from fastapi.openapi.docs import get_swagger_ui_html
from starlette.staticfiles import StaticFiles

PAGE = "/docs"
_ASSETS = Path(fastapi_offline.__file__).parent / "static"
_POLICY = (
    "default-src 'none'; script-src 'self' 'sha256-{script}'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)


def install(app: FastAPI) -> None:
    """Serve the page and what it needs; its addresses are relative, so a prefix does not matter."""
    page = bytes(
        get_swagger_ui_html(
            openapi_url=(app.openapi_url or "").lstrip("/"),
            title=f"{app.title} API",
            swagger_js_url="docs/swagger-ui-bundle.js",
            swagger_css_url="docs/swagger-ui.css",
            swagger_favicon_url="docs/favicon.png",
        ).body
    )
    policy = _POLICY.format(script=_hash(page))

    @app.get(PAGE, include_in_schema=False)
    async def reference() -> Response:
        """Return the page."""
        headers = {"Content-Security-Policy": policy}
        return Response(page, headers=headers, media_type="text/html")

    app.mount(PAGE, StaticFiles(directory=_ASSETS), name="reference")


def _hash(page: bytes) -> str:
    """Return the hash by which a browser lets the page's own script run, and no other."""
    script = page.partition(b"<script>")[2].partition(b"</script>")[0]
    return b64encode(hashlib.sha256(script).digest()).decode()
