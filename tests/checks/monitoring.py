"""Alerts and dashboard: valid, tested, explained, and only about metrics that exist."""

import json
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from prometheus_client import Counter, Gauge, Histogram

from db.documents import DOCUMENTS
from telemetry import metrics
from tests.checks.outcome import ROOT, Failed, program, refuse, run
from tests.checks.promql import names_in

PROMETHEUS = ROOT / "deploy/prometheus"
GRAFANA = ROOT / "deploy/grafana"
OPERATIONS = ROOT / "docs/operations.md"
RUNBOOKS = "{{ $externalLabels.runbooks }}"
"""Where operations.md is read, in the alerts' links; Prometheus is told by its environment."""
OF_EVERY_SERIES = {"job", "instance", "le"}
MADE_BY_PROMETHEUS = {"up": set[str](), "ALERTS": {"alertname", "alertstate", "severity"}}
OTHERS = ("temporal_", "node_")
"""What programs of others serve."""
HISTOGRAM = ("_bucket", "_sum", "_count")


@dataclass(frozen=True)
class Metric:
    """One line of deploy/metrics.txt."""

    kind: str
    labels: frozenset[str]


def contract() -> dict[str, Metric]:
    """Return what deploy/metrics.txt promises, by name."""
    lines = (ROOT / "deploy/metrics.txt").read_text().splitlines()
    found: dict[str, Metric] = {}
    for line in lines:
        if line and not line.startswith("#"):
            name, kind, labels, _ = line.split(" | ")
            found[name] = Metric(kind, frozenset(labels.split(",")) - {"-"})
    return found


def check_prometheus_accepts_its_configuration() -> None:
    run(_promtool(), "check", "config", PROMETHEUS / "prometheus.yml")


def check_prometheus_accepts_the_alerts() -> None:
    run(_promtool(), "check", "rules", PROMETHEUS / "alerts.yml")


def check_the_alerts_pass_their_tests() -> None:
    tests = sorted(path.name for path in PROMETHEUS.glob("alerts*_test.yml"))
    run(_promtool(), "test", "rules", *tests, cwd=PROMETHEUS)


def check_the_alerts_tests_notice_one_that_never_fires() -> None:
    refuse([f"no test in which {name} fires" for name in _unnoticed("vector(0) > 1")])


def check_the_alerts_tests_notice_one_that_always_fires() -> None:
    refuse([f"no test in which {name} stays silent" for name in _unnoticed("vector(1)")])


def check_every_alert_tells_what_to_do() -> None:
    anchors = _anchors()
    findings = []
    for alert in _alerts():
        name, notes = alert["alert"], alert["annotations"]
        findings += [
            f"{name} has no {note}" for note in ("summary", "description") if not notes[note]
        ]
        if alert["labels"]["severity"] not in ("page", "ticket"):
            findings.append(f"{name} is neither page nor ticket")
        if notes["runbook_url"] != f"{RUNBOOKS}#{name.lower()}":
            findings.append(f"{name} links to {notes['runbook_url']}")
        if name.lower() not in anchors:
            findings.append(f"docs/operations.md has no heading for {name}")
    refuse(findings)


def check_the_links_of_alerts_begin_where_operators_say() -> None:
    config = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text())
    told = config["global"].get("external_labels", {}).get("runbooks", "")
    findings = [] if told == "${RUNBOOKS_URL}" else [f"the label runbooks is {told!r}"]
    dropped = config["alerting"]["alert_relabel_configs"]
    if {"action": "labeldrop", "regex": "runbooks"} not in dropped:
        findings.append("every alert carries the label runbooks on")
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    if "RUNBOOKS_URL" not in compose["services"]["prometheus"].get("environment", {}):
        findings.append("Prometheus is not given RUNBOOKS_URL")
    refuse(findings)


def check_the_contract_is_what_the_code_serves() -> None:
    served: dict[str, Metric] = {}
    findings = []
    promised = contract()
    moves = [kind.transitions for kind in DOCUMENTS.values()]
    for metric in [*vars(metrics).values(), *moves]:
        if not isinstance(metric, Counter | Gauge | Histogram):
            continue
        described = next(iter(metric.describe()))
        name = described.name + ("_total" if described.type == "counter" else "")
        served[name] = promised.get(name, Metric("-", frozenset()))
        if name not in promised:
            findings.append(f"{name} is served and not in deploy/metrics.txt")
        elif promised[name].kind != described.type:
            findings.append(f"{name} is a {described.type}")
        elif not _takes(metric, promised[name].labels):
            findings.append(f"{name} has other labels than {sorted(promised[name].labels)}")
    ours = {name for name in promised if not name.startswith(OTHERS) and name != "up"}
    findings += [f"{name} is promised and not served" for name in sorted(ours - served.keys())]
    refuse(findings)


def check_alerts_and_dashboard_name_only_known_metrics_and_labels() -> None:
    records = {
        rule["record"]: set[str]()
        for group in _rules()["groups"]
        for rule in group["rules"]
        if "record" in rule
    }
    known = {**MADE_BY_PROMETHEUS, **records}
    for name, metric in contract().items():
        known[name] = set(metric.labels)
        if metric.kind == "histogram":
            known |= {name + suffix: set(metric.labels) for suffix in HISTOGRAM}
    findings = []
    for place, expression in _expressions():
        names = names_in(expression)
        allowed = set(OF_EVERY_SERIES)
        for metric, labels in names.metrics.items():
            if metric not in known:
                findings.append(f"{place}: there is no metric {metric}")
                continue
            allowed |= known[metric]
            wrong = labels - known[metric] - OF_EVERY_SERIES
            findings += [f"{place}: {metric} has no label {label}" for label in sorted(wrong)]
        findings += [f"{place}: nothing has a label {x}" for x in sorted(names.grouped - allowed)]
        if not names.metrics:
            findings.append(f"{place}: no metric in {expression}")
    refuse(findings)


def check_the_dashboard_is_made_from_its_list() -> None:
    made = run(sys.executable, GRAFANA / "dashboard.py")
    stored = GRAFANA / "dashboards/stateset.json"
    if made != stored.read_text():
        refuse([f"run: {sys.executable} deploy/grafana/dashboard.py > {stored.relative_to(ROOT)}"])


def check_the_dashboard_fits_on_the_screen() -> None:
    panels = json.loads((GRAFANA / "dashboards/stateset.json").read_text())["panels"]
    taken: dict[tuple[int, int], str] = {}
    findings = []
    if len({panel["id"] for panel in panels}) != len(panels):
        findings.append("two panels have the same id")
    for panel in panels:
        place = panel["gridPos"]
        for x in range(place["x"], place["x"] + place["w"]):
            for y in range(place["y"], place["y"] + place["h"]):
                other = taken.setdefault((x, y), panel["title"])
                if other is not panel["title"] or x >= 24:
                    findings.append(f"{panel['title']} overlaps {other} at {x}, {y}")
    refuse(findings[:5])


def check_operations_explains_every_metric_of_ours() -> None:
    text = OPERATIONS.read_text()
    ours = (name for name in contract() if not name.startswith("temporal_"))
    refuse([f"docs/operations.md does not name {name}" for name in ours if f"`{name}" not in text])


def _unnoticed(expression: str) -> list[str]:
    """Return the alerts whose tests pass although every alert has this expression."""
    rules = _rules()
    with tempfile.TemporaryDirectory() as folder:
        for rule in (rule for group in rules["groups"] for rule in group["rules"]):
            if "alert" in rule:
                rule["expr"] = expression
        Path(folder, "alerts.yml").write_text(yaml.safe_dump(rules))
        tests = [shutil.copy(test, folder) for test in PROMETHEUS.glob("alerts*_test.yml")]
        try:
            noticed = run(_promtool(), "test", "rules", *tests, cwd=Path(folder))
        except Failed as failures:
            noticed = str(failures)
    seen = set(re.findall(r'alertname(?:=\\?"|: ?)(\w+)', noticed))
    return sorted({alert["alert"] for alert in _alerts()} - seen)


def _promtool() -> str:
    return program("promtool", "it comes with Prometheus (Debian: apt-get install prometheus)")


def _rules() -> Any:
    return yaml.safe_load((PROMETHEUS / "alerts.yml").read_text())


def _alerts() -> Iterator[dict[str, Any]]:
    for group in _rules()["groups"]:
        yield from (rule for rule in group["rules"] if "alert" in rule)


def _expressions() -> Iterator[tuple[str, str]]:
    for group in _rules()["groups"]:
        for rule in group["rules"]:
            yield f"alerts.yml, {rule.get('alert') or rule['record']}", rule["expr"]
    for panel in json.loads((GRAFANA / "dashboards/stateset.json").read_text())["panels"]:
        for target in panel.get("targets", []):
            yield f"dashboard, {panel['title']}", target["expr"]


def _anchors() -> set[str]:
    headings = re.findall(r"^#+ (.+)$", OPERATIONS.read_text(), re.MULTILINE)
    return {
        re.sub(r"[^\w -]", "", heading).strip().lower().replace(" ", "-") for heading in headings
    }


def _takes(metric: Counter | Gauge | Histogram, labels: frozenset[str]) -> bool:
    try:
        if labels:
            metric.labels(**dict.fromkeys(labels, "x"))
        else:
            # A metric that asks for labels cannot be set or counted without them.
            metric.observe(0) if isinstance(metric, Histogram) else metric.inc(0)
    except ValueError:
        return False
    return True
