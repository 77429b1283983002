"""The real Prometheus under test, with the rules that ship."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import httpx
import yaml
from support.alertmanager import require_program
from support.processes import wait_for

from streams.brokers.broker import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

FOLDER = Path(__file__).parents[2] / "exporters" / "prometheus"
RULES = sorted((FOLDER / "rules").glob("*.yml"))


def promtool(*args: str | Path) -> subprocess.CompletedProcess[str]:
    """Run Prometheus's own tool."""
    program = require_program("promtool")
    return subprocess.run([program, *args], capture_output=True, text=True, timeout=60, check=False)


def rules() -> list[dict[str, Any]]:
    """Every recording and alerting rule that ships."""
    groups = [group for path in RULES for group in yaml.safe_load(path.read_text())["groups"]]
    return [rule for group in groups for rule in group["rules"]]


class Prometheus:
    """One Prometheus on the loopback interface that scrapes every two seconds. A context manager.

    Its configuration is the one that ships, but for the targets, the intervals, and that it pushes no alerts.

    Args:
        folder: For its configuration and data.
        targets: Address of each job's target; jobs without one are left out.
    """

    def __init__(self, folder: Path, targets: Mapping[str, str]) -> None:
        self._program = require_program("prometheus")
        self._folder = folder
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._client = httpx.Client(base_url=self.url, timeout=10, trust_env=False)
        config: dict[str, Any] = yaml.safe_load((FOLDER / "prometheus.yml").read_text())
        # A scrape may take no longer than the interval, and on a busy machine that of the lag exporter takes a while.
        config["global"] = {"scrape_interval": "2s", "scrape_timeout": "2s", "evaluation_interval": "1s"}
        config["rule_files"] = [str(path) for path in RULES]
        del config["alerting"]
        config["scrape_configs"] = [
            {"job_name": job["job_name"], "static_configs": [{"targets": [targets[job["job_name"]]]}]}
            for job in config["scrape_configs"]
            if job["job_name"] in targets
        ]
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "prometheus.yml").write_text(yaml.safe_dump(config))

    @property
    def url(self) -> str:
        """Base address of it."""
        return f"http://127.0.0.1:{self._port}"

    def query(self, expression: str) -> list[dict[str, Any]]:
        """Series that an expression gives now; an error in it fails the test."""
        answer = self._client.get("/api/v1/query", params={"query": expression})
        told = answer.json()
        assert told["status"] == "success", f"{expression}: {told.get('error')}"
        data = told["data"]
        # A scalar or string is a result as well.
        return data["result"] if data["resultType"] in ("vector", "matrix") else [data]

    def broken_rules(self) -> list[str]:
        """Rules whose last evaluation failed, with the error; a rule not yet evaluated counts too."""
        groups = self._client.get("/api/v1/rules").json()["data"]["groups"]
        return [
            f"{rule['name']}: {rule['health']} {rule.get('lastError', '')}"
            for group in groups
            for rule in group["rules"]
            if rule["health"] != "ok"
        ]

    def labels(self, selector: str) -> set[str]:
        """Names of the labels that the series of a selector have."""
        answer = self._client.get("/api/v1/labels", params={"match[]": selector})
        return set(answer.json()["data"]) - {"__name__"}

    def label_values(self, label: str, selector: str) -> list[str]:
        """Values of a label among the series of a selector."""
        answer = self._client.get(f"/api/v1/label/{label}/values", params={"match[]": selector})
        values: list[str] = answer.json()["data"]
        return values

    def __enter__(self) -> Self:
        with (self._folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                [
                    self._program,
                    f"--config.file={self._folder / 'prometheus.yml'}",
                    f"--storage.tsdb.path={self._folder / 'data'}",
                    f"--web.listen-address=127.0.0.1:{self._port}",
                ],
                stdout=log,
                stderr=log,
            )
        wait_for(self._is_ready, what="for Prometheus to be ready")
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()
        if self._process is not None:
            self._process.terminate()
            self._process.wait(20)

    def _is_ready(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, (self._folder / "log").read_text()
        try:
            return self._client.get("/-/ready").is_success
        except httpx.HTTPError:
            return False


_TOKEN = re.compile(
    r"""(?P<text>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')"""
    r"""|(?P<range>\[[^\]]*\])"""
    r"""|(?P<labels>\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\))"""
    r"""|(?<![\w.])(?P<name>[A-Za-z_:][A-Za-z0-9_:]*)(?P<matchers>\s*\{(?:"(?:\\.|[^"\\])*"|[^}"])*\})?(?P<call>\s*\()?""",
    re.IGNORECASE,
)
_OPERATORS = {"and", "or", "unless", "offset", "bool", "inf", "nan"}
_MODIFIERS = {"by", "without", "on", "ignoring", "group_left", "group_right"}
# These may stand apart from their parenthesis: "sum by (job) (...)".
_AGGREGATIONS = {"sum", "count", "min", "max", "avg", "group", "stddev", "stdvar", "topk", "bottomk", "quantile"}
_WORDS = _OPERATORS | _MODIFIERS | _AGGREGATIONS


def selectors(expression: str) -> Iterator[str]:
    """Every metric selector in an expression, with its matchers.

    What is no text, range, list of labels, function or operator is a metric's name, so that a misspelt one is told as
    a selector too.
    """
    for token in _TOKEN.finditer(re.sub(r"#.*", "", expression)):
        name = token["name"]
        if name is None or token["call"] is not None or name.lower() in _WORDS:
            continue
        yield name + (token["matchers"] or "").strip()


def grouping_labels(expression: str) -> set[str]:
    """Labels by which an expression groups or joins series."""
    lists = re.findall(r"\b(?:by|on|group_left|group_right)\s*\(([^)]*)\)", expression)
    return {label.strip() for names in lists for label in names.split(",") if label.strip()}
