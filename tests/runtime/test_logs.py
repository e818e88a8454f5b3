"""What a process says: one line of JSON each, whoever said it, and never a secret."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

SAID = """
import logging
import threading
import structlog
from runtime.telemetry.logs import configure_logging

configure_logging("INFO", "tests")
ours, theirs = structlog.get_logger("http"), logging.getLogger("their.library")
structlog.contextvars.bind_contextvars(request_id="r1")
ours.debug("unheard")
ours.info("request", api_key="sk_1", Authorization="Bearer 2", ms=1.5, path="/\\u00e9\\n")
ours.warning("odd", text="\\ud800")
theirs.warning("no %s", "way")
try:
    raise ValueError("broken")
except ValueError:
    ours.exception("failed")
    theirs.exception("failed, too")
threads = [
    threading.Thread(target=lambda: [log.warning("x" * 20_000) for _ in range(50)])
    for log in (ours, theirs, ours, theirs)
]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
"""


QUOTED = """
import logging
import structlog
from temporalio.exceptions import ApplicationError
from gateways.failures import PartnerFailure
from runtime.telemetry.logs import configure_logging

configure_logging("INFO", "tests")
for log in (structlog.get_logger("ours"), logging.getLogger("temporalio.activity")):
    try:
        try:
            raise PartnerFailure("nobody at 77 Planted Row")
        except PartnerFailure as failure:
            raise ApplicationError("77 Planted Row again") from failure
    except ApplicationError:
        log.warning("Completing activity as failed", exc_info=True)
"""


def said(script: str = SAID) -> list[dict[str, Any]]:
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, check=True, timeout=60, text=True
    )
    assert done.stderr == ""
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_every_line_is_whole_and_says_when_who_and_what() -> None:
    request, odd, theirs, failed, failed_too, *many = said()
    for line in (request, theirs, failed, failed_too, *many):
        assert {"event", "level", "logger", "service", "timestamp"} <= line.keys()
        assert line["service"] == "tests"
    assert (request["event"], request["level"], request["logger"]) == ("request", "info", "http")
    assert (request["request_id"], request["ms"], request["path"]) == ("r1", 1.5, "/é\n")
    assert (request["api_key"], request["Authorization"]) == ("[hidden]", "[hidden]")
    assert "odd" in str(odd)
    assert (theirs["event"], theirs["logger"]) == ("no way", "their.library")
    assert (failed["level"], failed_too["level"]) == ("error", "error")
    for line in (failed, failed_too):
        assert "ValueError: broken" in line["exception"]
    assert len(many) == 200


UNHEARD = """
import logging
import sys
from pathlib import Path
import structlog
from runtime.telemetry.logs import configure_logging

configure_logging("INFO", "tests")
for _ in range(1000):
    structlog.get_logger("relay").warning("x" * 100)
    logging.getLogger("their.library").warning("x" * 100)
Path(sys.argv[1]).write_text("went on")
"""


def test_whoever_says_something_goes_on_when_the_disk_of_the_log_is_full(tmp_path: Path) -> None:
    with open("/dev/full", "w") as full:
        subprocess.run(
            [sys.executable, "-c", UNHEARD, str(tmp_path / "end")],
            stdout=full,
            stderr=full,
            timeout=60,
            check=False,
        )
    assert (tmp_path / "end").read_text() == "went on"


def test_a_failure_that_quotes_a_partner_is_logged_with_its_place_and_without_the_words() -> None:
    lines = said(QUOTED)
    assert len(lines) == 2
    for line in lines:
        assert "Planted" not in str(line)
        assert "gateways.failures.PartnerFailure: [hidden]" in line["exception"]
        assert "temporalio.exceptions.ApplicationError: [hidden]" in line["exception"]
        assert 'File "<string>", line ' in line["exception"]
