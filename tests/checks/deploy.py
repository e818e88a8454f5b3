"""The image and the Compose file: valid, pinned, confined, and in step with the code."""

import functools
import json
import re
import subprocess
import tempfile
import tomllib
from datetime import timedelta
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from gateways.partners import PARTNERS
from runtime.settings import Settings
from tests.checks.outcome import ROOT, program, refuse, run

JOBS = {"migrate", "temporal-schema", "temporal-namespace"}
OURS = {"migrate", "api", "worker"}
WITHOUT_SHELL = {"jaeger"}
WRITES_TO_ITS_ROOT = {"temporal-ui"}
PINNED = re.compile(r"[\w./-]+:v?\d+\.\d+(\.\d+)?(-[a-z0-9.-]+)?")
UNIT = {"s": 1, "m": 60, "h": 3600}


def check_compose_accepts_the_file() -> None:
    _compose("config", "--quiet")


def check_compose_refuses_to_start_with_a_blank() -> None:
    example = ROOT / "deploy/example.env"
    blanks = re.findall(r"^(\w+)=$", example.read_text(), re.MULTILINE)
    command = (_docker_compose(), "--env-file", str(example), "config", "--quiet")
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if ended.returncode == 0 or not blanks:
        refuse(["Compose accepts deploy/example.env with its blanks"])
    refuse([f"{name} may be blank" for name in blanks if f"variable {name} is" not in ended.stderr])


def check_every_image_is_pinned() -> None:
    images = {name: service["image"] for name, service in _services().items()}
    dockerfile = (ROOT / "Dockerfile").read_text()
    for number, image in enumerate(re.findall(r"^(?:ARG PYTHON=|FROM )(\S+)", dockerfile, re.M)):
        python = image if not image[0].isdigit() else f"python:{image}"
        images[f"Dockerfile, image {number}"] = python.replace("${PYTHON}", "3.11.0")
    refuse([f"{name}: {image}" for name, image in images.items() if not PINNED.fullmatch(image)])


def check_every_service_is_confined() -> None:
    findings = []
    for name, service in _services().items():
        limits = service.get("deploy", {}).get("resources", {}).get("limits", {})
        rules = {
            "runs as root": str(service.get("user", "0")).split(":")[0] in ("0", "root"),
            "keeps capabilities": service.get("cap_drop") != ["ALL"],
            "may gain privileges": "no-new-privileges:true" not in service.get("security_opt", []),
            "is privileged": service.get("privileged", False) or "cap_add" in service,
            "may change its files": not service.get("read_only") and name not in WRITES_TO_ITS_ROOT,
            "has no limit of memory and CPU": not {"cpus", "memory"} <= limits.keys(),
            "is not restarted": service.get("restart") in (None, "no"),
            "can reach Docker": "docker.sock" in json.dumps(service.get("volumes", [])),
            "listens to everybody": any(
                port.get("host_ip") != "127.0.0.1" for port in service.get("ports", [])
            ),
        }
        findings += [f"{name} {rule}" for rule, broken in rules.items() if broken]
    refuse(findings)


def check_services_wait_for_what_they_need() -> None:
    findings = []
    for name, service in _services().items():
        probe = service.get("healthcheck", {})
        if name not in JOBS | WITHOUT_SHELL and "test" not in probe:
            findings.append(f"{name} has no health check")
        for other, how in service.get("depends_on", {}).items():
            wanted = "service_completed_successfully" if other in JOBS else "service_healthy"
            if how["condition"] != wanted:
                findings.append(f"{name} does not wait until {other} is {wanted}")
    if not all("migrate" in _services()[name]["depends_on"] for name in ("api", "worker")):
        findings.append("the schema is not migrated before the code runs")
    refuse(findings)


def check_processes_get_the_time_to_stop() -> None:
    needed = Settings().graceful_shutdown + timedelta(seconds=5)
    findings = []
    for name in ("api", "worker"):
        written = _services()[name]["stop_grace_period"]
        given = sum(int(n) * UNIT[unit] for n, unit in re.findall(r"(\d+)([smh])", written))
        if timedelta(seconds=given) < needed:
            findings.append(f"{name} is killed after {written} and may take {needed}")
    refuse(findings)


def check_our_processes_get_settings_that_exist_and_hold() -> None:
    findings = []
    for name in OURS:
        given = {
            variable: value
            for variable, value in _services()[name]["environment"].items()
            if variable.startswith("STATESET_") and value is not None
        }
        for kind in (Settings, *(partner.settings for partner in PARTNERS.values())):
            prefix = kind.model_config.get("env_prefix", "")
            names = {f"{prefix}{field.upper()}": field for field in kind.model_fields}
            try:
                kind(**{names[each]: given.pop(each) for each in names.keys() & given.keys()})
            except ValidationError as errors:
                findings.append(f"{name}: {errors}")
        findings += [f"{name}: there is no setting {setting}" for setting in sorted(given)]
    refuse(findings)


def check_prometheus_asks_where_our_processes_answer() -> None:
    environment = _services()["worker"]["environment"]
    wanted = {
        ("api", environment["STATESET_METRICS_PORT"]),
        ("worker", environment["STATESET_METRICS_PORT"]),
        ("worker", environment["STATESET_SDK_METRICS_PORT"]),
    }
    config = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text())
    asked = {
        (name, str(discovery["port"]))
        for job in config["scrape_configs"]
        for discovery in job.get("dns_sd_configs", [])
        for name in discovery["names"]
    }
    refuse([f"nobody scrapes {name} on {port}" for name, port in sorted(wanted - asked)])


def check_hadolint_accepts_the_dockerfile() -> None:
    run(program("hadolint", "it is in requirements/dev.txt"), "Dockerfile")


def check_the_image_contains_every_package() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    packages = project["tool"]["setuptools"]["packages"]["find"]["include"]
    modules = project["tool"]["setuptools"]["py-modules"]
    wanted = [package.rstrip("*") for package in packages] + [f"{name}.py" for name in modules]
    wanted += ["pyproject.toml", "README.md", "alembic.ini", "requirements/production.txt"]
    let_in = (ROOT / ".dockerignore").read_text().splitlines()
    findings = [f".dockerignore keeps {name} out" for name in wanted if f"!{name}" not in let_in]
    let_in = [line[1:] for line in let_in if line.startswith("!")]
    refuse(findings + [f"{name} does not exist" for name in let_in if not (ROOT / name).exists()])


def check_the_image_is_built_from_pinned_packages_only() -> None:
    text = (ROOT / "Dockerfile").read_text()
    findings = [
        f"pip install without {option}: {command}"
        for command in re.findall(r"pip install [^&\n]*-r [^&\n]*", text)
        for option in ("--require-hashes",)
        if option not in command
    ]
    if re.search(r"index-url|https?://(?!127\.0\.0\.1)", text):
        findings.append("it names a host to fetch from")
    if not re.search(r"^USER [1-9]\d*:[1-9]\d*$", text, re.MULTILINE):
        findings.append("it does not end as a numbered user other than root")
    refuse(findings)


def check_shell_scripts_are_valid() -> None:
    for script in sorted((ROOT / "deploy").rglob("*.sh")):
        shell = script.read_text().splitlines()[0].removeprefix("#!")
        run(shell, "-n", script)


def _docker_compose() -> str:
    return program("docker-compose", "it is in requirements/dev.txt")


def _compose(*arguments: str) -> str:
    """Run Compose with an environment file as an operator makes it."""
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / ".env"
        run(ROOT / "deploy/new-env.sh", made)
        return run(_docker_compose(), "--env-file", made, *arguments)


@functools.cache
def _services() -> dict[str, dict[str, Any]]:
    services: dict[str, dict[str, Any]] = json.loads(_compose("config", "--format", "json"))[
        "services"
    ]
    return services
