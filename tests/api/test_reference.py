"""The reference at /docs needs this server and nothing else."""

import hashlib
import re
from base64 import b64encode

from tests.api.callers import Callers
from tests.pages import opened


async def test_the_page_and_all_it_names_come_from_this_server(callers: Callers) -> None:
    """Findings: /docs was blank without the network of a CDN."""
    _, named = await opened(callers.client, "/docs")
    assert named == {
        "/docs/favicon.png",
        "/docs/swagger-ui.css",
        "/docs/swagger-ui-bundle.js",
        "/openapi.json",
    }


async def test_the_page_may_run_its_own_script_and_load_from_its_own_origin_only(
    callers: Callers,
) -> None:
    """Findings: the script of another host came without a hash."""
    page = await callers.client.get("/docs")
    policy = dict(
        each.strip().split(" ", 1) for each in page.headers["content-security-policy"].split(";")
    )
    (script,) = re.findall(r"<script>(.*?)</script>", page.text, re.DOTALL)
    own = b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert policy["script-src"] == f"'self' 'sha256-{own}'"
    assert policy["connect-src"] == "'self'"
    assert policy["default-src"] == "'none'"
    assert page.headers["x-frame-options"] == "DENY"


async def test_only_the_assets_are_below_the_page(callers: Callers) -> None:
    for path in ("/docs/", "/docs/../core.py", "/docs/%2e%2e/core.py", "/docs/none.js"):
        answer = await callers.client.get(path)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), path
    refused = await callers.client.post("/docs/swagger-ui.css")
    assert (refused.status_code, refused.json()["code"]) == (405, "method_not_allowed")
