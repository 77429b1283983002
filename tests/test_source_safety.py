"""Nothing in the source runs what it reads: no pickle in any of its forms, no eval, no shell, no unverified TLS."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("streams", "models", "retrain", "exporters", "benchmarks")
MODULES = {"pickle", "cPickle", "_pickle", "marshal", "shelve", "dill", "cloudpickle", "joblib", "jsonpickle", "xmlrpc"}
CALLS = {
    "eval",
    "exec",
    "compile",
    "__import__",
    "os.system",
    "os.popen",
    "yaml.load",
    "yaml.unsafe_load",
    "yaml.full_load",
}
UNVERIFIED = {"_create_unverified_context", "CERT_NONE", "_create_default_https_context"}


def faults(tree: ast.AST) -> list[str]:
    """What a source does that it must not, with its lines."""
    found = []
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names = [node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)]
        found += [f"{node.lineno}: imports {name}" for name in names if name.partition(".")[0] in MODULES]
        if isinstance(node, ast.Attribute) and node.attr in UNVERIFIED:
            found.append(f"{node.lineno}: {node.attr}")
        if isinstance(node, ast.Call):
            found += [f"{node.lineno}: {fault}" for fault in _call(node)]
    return found


def _call(node: ast.Call) -> list[str]:
    called, given = ast.unparse(node.func), {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords}
    wrong = [called] if called in CALLS else []
    if called == "torch.load" and given.get("weights_only") != "True":
        wrong.append("torch.load without weights_only=True")
    if (
        called.endswith("read_pickle")
        or given.get("allow_pickle") == "True"
        or given.get("trust_remote_code") == "True"
    ):
        wrong.append(called)
    if given.get("shell") == "True" or given.get("verify") == "False":
        wrong.append(called)
    return wrong


@pytest.mark.parametrize(
    "path", sorted(p for name in PACKAGES for p in (ROOT / name).rglob("*.py")), ids=lambda p: str(p.relative_to(ROOT))
)
def test_no_source_runs_what_it_reads(path: Path) -> None:
    assert faults(ast.parse(path.read_bytes())) == []


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "from pickle import loads",
        "import joblib as j",
        "from sklearn.externals import x\nimport cloudpickle",
        "torch.load('x')",
        "torch.load('x', weights_only=False)",
        "np.load('x', allow_pickle=True)",
        "yaml.load(x)",
        "eval(x)",
        "subprocess.run(x, shell=True)",
        "httpx.get(x, verify=False)",
        "context.verify_mode = ssl.CERT_NONE",
        "ssl._create_unverified_context()",
        "AutoModel.from_pretrained(x, trust_remote_code=True)",
    ],
)
def test_what_is_looked_for_is_found(source: str) -> None:
    assert faults(ast.parse(source))


@pytest.mark.parametrize(
    "source",
    [
        "np.load('x')",
        "np.load('x', allow_pickle=False)",
        "torch.load('x', weights_only=True)",
        "model.eval()",
        "re.compile('x')",
        "yaml.safe_load(x)",
    ],
)
def test_what_is_harmless_is_not(source: str) -> None:
    assert not faults(ast.parse(source))
