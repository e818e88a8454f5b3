"""The pages on which a customer confirms a payment or fails to; the address is the only secret."""

from html import escape
from typing import Any, Literal

from fastapi import APIRouter, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from simulators.payments.book import Book
from simulators.payments.steering import Steering

_HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'",
    "referrer-policy": "no-referrer",
}
_ASKED = """<p>Confirm the payment of <b>{amount}</b>?</p>
<form method="post" action="{secret}/confirm"><button>Confirm</button></form>
<form method="post" action="{secret}/fail"><button>Fail</button></form>"""
_ENDS = {"succeeded": "The payment is confirmed.", "failed": "The payment was not confirmed."}


def confirmation_pages(book: Book, steering: Steering) -> APIRouter:
    """Return what a customer's browser asks, without the merchant's key."""
    routes = APIRouter(prefix="/confirmations", tags=["customer"])

    @routes.get("/{secret}", response_class=HTMLResponse)
    async def ask(secret: str) -> Response:
        """Show the amount and ask; once that is decided, how it ended."""
        return _page(book.confirmation(secret), secret)

    @routes.post("/{secret}/{answer}", response_class=HTMLResponse, status_code=303)
    async def answer(secret: str, answer: Literal["confirm", "fail"]) -> Response:
        """Take the answer and go back to the shop; refused when it was the other one before."""
        found = book.confirmation(secret)
        outcome: Literal["succeeded", "failed"] = "succeeded" if answer == "confirm" else "failed"
        steering.decide(found["id"], outcome)
        if found["return_url"]:
            return RedirectResponse(found["return_url"], 303, headers=_HEADERS)
        return _page(book.confirmation(secret), secret)

    return routes


def _page(row: dict[str, Any], secret: str) -> HTMLResponse:
    amount = f"{row['amount']} {row['currency']} (minor units)"
    asked = _ASKED.format(amount=escape(amount), secret=escape(secret))
    told = _ENDS.get(row["outcome"])
    body = asked if told is None else f"<p>{told}</p>"
    if told is not None and row["return_url"]:
        body += f'<p><a href="{escape(row["return_url"])}">Back to the shop</a></p>'
    page = f"<!doctype html><title>Sandbox payments</title><h1>Your bank</h1>{body}"
    return HTMLResponse(page, headers=_HEADERS)
