"""A page as a browser without any other network opens it."""

import re
from urllib.parse import urljoin

import httpx2

ADDRESS = re.compile(r"""(?:src|href|url|specUrl|spec-url)\s*[=:]\s*["']([^"']+)["']""")


async def opened(http: httpx2.AsyncClient, path: str) -> tuple[httpx2.Response, set[str]]:
    """Open a page and all that it names; return it and the addresses, which are of its origin."""
    page = await http.get(path)
    assert page.status_code == 200, path
    assert page.headers["content-type"].startswith("text/html")
    assert "//" not in page.text.replace("<!--", ""), "an address of another origin"
    named = {urljoin(path, each) for each in ADDRESS.findall(page.text)}
    for address in named:
        assert (await http.get(address)).status_code == 200, address
    return page, named
