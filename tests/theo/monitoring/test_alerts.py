"""The dashboard and the alert rules under docs/monitoring: right by Prometheus' own tool, and of metrics that there are."""

import json
import re
import shutil
import subprocess
from typing import Any

import pytest
import yaml
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families

from embeddings.models import EmbeddingModel
from queues import add_job
from queues.api.tokens import hash_of, new_token
from queues.operations.thresholds import DEFAULTS
from tests.processes import ROOT, wait_until, worker_processes
from tests.testapp.jobs import QUEUE

FOLDER = ROOT / "docs" / "monitoring"
RULES = [rule for group in yaml.safe_load((FOLDER / "alerts.yml").read_text())["groups"] for rule in group["rules"]]
DASHBOARD = json.loads((FOLDER / "grafana.json").read_text())
RUNBOOK = (FOLDER / "README.md").read_text()
PROMETHEUS_OWN = {"up"}
METRIC = re.compile(r"\b(?:rq|queues|embeddings)_\w+|\bup\b")


def expressions() -> list[str]:
    """Of the rules, the panels and the variables."""
    panels = [target["expr"] for panel in DASHBOARD["panels"] for target in panel.get("targets", ())]
    variables = [variable["query"]["query"] for variable in DASHBOARD["templating"]["list"] if variable["type"] == "query"]
    return [rule["expr"] for rule in RULES] + panels + variables


@pytest.mark.usefixtures("empty_queues")
@pytest.mark.django_db(transaction=True)
def test_every_metric_that_they_name_is_given_with_the_labels_that_they_use(settings) -> None:
    token = new_token()
    settings.QUEUES_API_TOKENS = [hash_of(token)]
    program = Client(headers={"Authorization": f"Bearer {token}"})
    EmbeddingModel.objects.active()
    with worker_processes({}) as start_worker:
        add_job(QUEUE, "greet", {"name": "Ann"})
        start_worker(QUEUE)
        wait_until(lambda: b'rq_jobs{queue="notifications",status="finished"} 1' in program.get("/metrics").content)
        text = program.get("/metrics").content.decode()
    labels: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels.setdefault(sample.name, {"job", "instance"}).update(sample.labels)
    named = {metric for expression in expressions() for metric in METRIC.findall(expression)} - PROMETHEUS_OWN
    assert named - set(labels) == set()
    for expression in expressions():
        for metric, selector in re.findall(r"\b((?:rq|queues|embeddings)_\w+)\{([^}]*)\}", expression):
            assert set(re.findall(r"(\w+)\s*(?:=~|!=|=)", selector)) <= labels[metric], expression


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_every_alert_says_how_bad_what_and_what_to_do(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in ("warning", "critical")
    assert set(rule["annotations"]) == {"summary", "description", "runbook_url"} and rule["for"]
    path, _, anchor = rule["annotations"]["runbook_url"].partition("#")
    assert ROOT / path == FOLDER / "README.md"
    headings = re.findall(r"^## (.+)$", RUNBOOK, re.MULTILINE)
    assert anchor in {heading.lower().replace(" ", "-") for heading in headings}
    assert rule["alert"] in RUNBOOK


@pytest.mark.parametrize(
    ("metric", "alerts"),
    [
        ("waiting", ("QueueWaitingMany", "QueueWaitingTooMany")),
        ("failed", ("QueueFailedMany", "QueueFailedTooMany")),
        ("active", ("QueueActiveMany", "QueueActiveTooMany")),
        ("delayed", ("QueueDelayedMany", "QueueDelayedTooMany")),
        ("oldest_waiting_seconds", ("QueueOldestWaitingLong", "QueueOldestWaitingTooLong")),
    ],
)
def test_the_thresholds_are_those_of_queue_health(metric: str, alerts: tuple[str, str]) -> None:
    found = {rule["alert"]: re.search(r"> (\d+)", rule["expr"]) for rule in RULES}
    severities = {rule["alert"]: rule["labels"]["severity"] for rule in RULES}
    assert tuple(int(found[alert][1]) for alert in alerts) == DEFAULTS[metric]
    assert [severities[alert] for alert in alerts] == ["warning", "critical"]


@pytest.mark.parametrize("arguments", [("check", "rules", "alerts.yml"), ("test", "rules", "alerts_test.yml")], ids=" ".join)
def test_promtool_finds_them_right(arguments: tuple[str, ...]) -> None:
    tool = shutil.which("promtool")
    if not tool:
        pytest.skip("no promtool here: apt-get install prometheus")
    done = subprocess.run([tool, *arguments], cwd=FOLDER, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_is_tried_by_a_unit_test() -> None:
    tests = (FOLDER / "alerts_test.yml").read_text()
    assert [rule["alert"] for rule in RULES if rule["alert"] not in tests] == []


def test_the_dashboard_can_be_imported_anywhere() -> None:
    variables = {variable["name"]: variable for variable in DASHBOARD["templating"]["list"]}
    assert DASHBOARD["id"] is None and DASHBOARD["uid"] == "queues-and-embeddings" and DASHBOARD["schemaVersion"] == 39
    assert variables["datasource"]["type"] == "datasource" and variables["datasource"]["query"] == "prometheus"
    assert variables["queue"]["definition"].startswith("label_values(")
    panels = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
    assert {json.dumps(panel["datasource"]) for panel in panels} == {json.dumps({"type": "prometheus", "uid": "${datasource}"})}
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
    assert all(panel["description"] and panel["title"] for panel in panels)


def test_no_two_panels_overlap() -> None:
    taken: set[tuple[int, int]] = set()
    for place in (panel["gridPos"] for panel in DASHBOARD["panels"]):
        cells = {(x, y) for x in range(place["x"], place["x"] + place["w"]) for y in range(place["y"], place["y"] + place["h"])}
        assert not cells & taken and place["x"] + place["w"] <= 24
        taken |= cells
