"""``tocsin models``: make a first model, see what there is, fetch base weights."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from rich.table import Table

from models.manifest import Manifest, VersionError
from models.registry import Registry
from streams.cli import common
from streams.cli.extras import bootstrap_extra
from streams.cli.from_onnx import from_onnx
from streams.cli.pull import pull
from streams.cli.registry_faults import registry_faults
from streams.cli.stages import Stages, bars
from streams.cli.why import why
from streams.contract.credentials import hide_credentials
from streams.contract.domain import Domain, load_domain
from streams.contract.settings import ModelSettings, Settings

app = typer.Typer(help="Make, list and show model versions.", no_args_is_help=True)
app.command()(pull)
app.command("from-onnx")(from_onnx)
app.command()(why)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")]

_MEGABYTE = 1e6
_SEED = 13


@app.command()
def bootstrap(
    *,
    if_missing: Annotated[
        bool, typer.Option("--if-missing", help="Do nothing where a champion of this domain stands whole.")
    ] = False,
    seed: Annotated[int, typer.Option(min=0, help="Equal seeds make equal models.")] = _SEED,
    as_json: AsJson = False,
) -> None:
    """Train a model from the domain's seed examples, register it as the next version, and let it serve.

    Example: `tocsin --domain finance models bootstrap --if-missing`
    """
    settings = common.settings()
    manifest, made = ensure_champion(settings, if_missing=if_missing, seed=seed)
    _print_made(Registry.of(settings.model), manifest, as_json=as_json, made=made)


def ensure_champion(settings: Settings, *, if_missing: bool = True, seed: int = _SEED) -> tuple[Manifest, bool]:
    """Make a first model that serves, with progress bars on standard error.

    Args:
        settings: Which registry, base weights and domain.
        if_missing: Make none where a champion of this domain stands whole.
        seed: Equal seeds make equal models.

    Returns:
        The champion, and whether it was made now.

    Raises:
        CommandError: It cannot be made, or another process made a champion meanwhile; the message says which.
    """
    # Late, so that the command line stays quick for all other commands.
    from models.runtime import Encoder  # noqa: PLC0415

    model, domain = settings.model, load_domain(settings.domain)
    with registry_faults():
        registry = Registry.of(model)
        before = registry.aliases(model.name).get("champion")
        standing = _champion(registry, model, domain) if if_missing and before is not None else None
        if standing is not None:
            return standing, False
        version = _make(registry, model, domain, seed)
        folder = registry.fetch(model.name, version, model.cache)
        # It serves only after it has answered here as it did at export.
        Encoder.load(folder, threads=model.threads, sub_batch=model.sub_batch)
        registry.set_alias(model.name, "champion", version, expected=before)
        return registry.manifest(model.name, version), True


@app.command("list")
def list_(*, as_json: AsJson = False) -> None:
    """List the versions of the served model; with --json one a line. One that is refused says why.

    Example: `tocsin models list --json | jq -r .version`
    """
    model = common.settings().model
    with registry_faults():
        registry = Registry.of(model)
        aliases = registry.state(model.name).aliases
        rows = [_row(registry, model.name, version, aliases.set_ones()) for version in registry.versions(model.name)]
    if as_json:
        common.print_json_lines(rows)
    elif rows:
        table = Table("version", "aliases", "created", "precision", "base", "domain")
        for row in rows:
            if "refused" in row:
                table.add_row(str(row["version"]), ", ".join(row["aliases"]), "refused: its line below says why")
                continue
            table.add_row(
                str(row["version"]),
                ", ".join(row["aliases"]),
                str(row["created"]),
                str(row["precision"]),
                str(row["lineage"].get("base", "")),
                str(row["lineage"].get("domain", "")),
            )
        common.out.print(table)
        for row in rows:
            if "refused" in row:
                common.say(f"version {row['version']} is refused: {row['refused']}")
        if aliases.pin is not None:
            common.say(f"version {aliases.champion} is pinned {aliases.pin}")
    if not rows:
        raise common.CommandError(
            f"no version of {model.name} in {model.registry}: `tocsin models bootstrap` makes a first one",
            common.NOT_FOUND,
        )


@app.command()
def show(
    version: Annotated[str, typer.Argument(metavar="VERSION|ALIAS", help="A number, champion, challenger, previous.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Show a version's metrics, lineage and files, and verify each file.

    Example: `tocsin models show champion`
    """
    model = common.settings().model
    with registry_faults(common.NOT_FOUND):
        registry = Registry.of(model)
        number = registry.resolve(model.name, version)
        manifest = registry.manifest(model.name, number)
    with registry_faults():
        folder = registry.fetch(model.name, number, model.cache)
        aliases = registry.aliases(model.name)
    if as_json:
        common.print_json(manifest)
        return
    names = [alias for alias, pointed in aliases.items() if pointed == number]
    common.out.print(f"[bold]{manifest.name}:{number}[/] {', '.join(names)}", highlight=False)
    common.out.print(
        f"created {manifest.created.isoformat()}, {manifest.precision}, {manifest.max_tokens} tokens, "
        f"width {manifest.width}",
        highlight=False,
    )
    for title, values in (("metric", manifest.metrics), ("lineage", manifest.lineage)):
        common.out.print(_table(title, values))
    files = Table("file", "MB", "SHA-256, verified")
    for name, entry in sorted(manifest.files.items()):
        files.add_row(name, f"{entry.size / _MEGABYTE:.2f}", entry.sha256[:16])
    common.out.print(files)
    common.out.print(f"files: {folder}", highlight=False, soft_wrap=True)


def _champion(registry: Registry, model: ModelSettings, domain: Domain) -> Manifest | None:
    """The champion, where it stands whole and is of this domain."""
    try:
        version = registry.resolve(model.name, "champion")
        registry.fetch(model.name, version, model.cache)
        manifest = registry.manifest(model.name, version)
    except VersionError as error:
        common.err.print(f"[yellow]warning:[/] the champion is refused, a new one is made: {error}", highlight=False)
        return None
    other = manifest.other_domain(domain.name)
    if other is None:
        return manifest
    common.err.print(
        f"[yellow]warning:[/] {model.name}:{version}, the champion, was made for the domain {other}: a new version is "
        f"made for {domain.name} and takes its place; {model.name}:{version} stays in the registry. To serve both, "
        "give each domain a model.name of its own",
        highlight=False,
        soft_wrap=True,
    )
    return None


def _make(registry: Registry, model: ModelSettings, domain: Domain, seed: int) -> int:
    """Train and register; the number of the new version."""
    with bootstrap_extra():
        from models.base_files import WeightsError  # noqa: PLC0415  likewise
        from models.bootstrap import bootstrap as train  # noqa: PLC0415  a worker's install lacks what it needs
    model.cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="bootstrap-", dir=model.cache) as out, bars() as progress:
        try:
            result = train(
                base=model.base,
                domain=domain,
                out=Path(out),
                cache=model.cache,
                max_tokens=model.max_tokens,
                seed=seed,
                on_progress=Stages(progress).move,
            )
        except WeightsError as error:
            raise common.CommandError(str(error)) from error
        return registry.register(
            Path(out),
            model.name,
            precision=result.precision,
            max_tokens=model.max_tokens,
            width=result.width,
            metrics=result.metrics,
            lineage=result.lineage,
        )


def _row(registry: Registry, name: str, version: int, aliases: Mapping[str, int]) -> dict[str, Any]:
    """A version in short; of one that is refused, why, so that the others are listed all the same."""
    try:
        return _summary(registry.manifest(name, version), aliases)
    except VersionError as error:
        named = [alias for alias, pointed in aliases.items() if pointed == version]
        return {"name": name, "version": version, "aliases": named, "refused": hide_credentials(str(error))}


def _summary(manifest: Manifest, aliases: Mapping[str, int]) -> dict[str, Any]:
    return {
        "name": manifest.name,
        "version": manifest.version,
        "aliases": [alias for alias, version in aliases.items() if version == manifest.version],
        "created": manifest.created.isoformat(),
        "precision": manifest.precision,
        "metrics": manifest.metrics,
        "lineage": manifest.lineage,
    }


def _print_made(registry: Registry, manifest: Manifest, *, as_json: bool, made: bool) -> None:
    report = f"{hide_credentials(registry.url).rstrip('/')}/{manifest.name}/{manifest.version}/report.md"
    if as_json:
        common.print_json({**_summary(manifest, registry.aliases(manifest.name)), "made": made, "report": report})
        return
    if made:
        common.out.print(_table("metric", manifest.metrics))
        if registry.aliases(manifest.name).get("previous") is not None:
            common.err.print("Workers that run learn of it by `tocsin models announce`.", highlight=False)
    common.out.print(
        f"{manifest.name}:{manifest.version} serves; its report: {report}", highlight=False, soft_wrap=True
    )


def _table(title: str, values: Mapping[str, Any]) -> Table:
    table = Table(title, "value")
    for name, value in _flat(values):
        table.add_row(name, f"{value:.4f}" if isinstance(value, float) else _plain(value))
    return table


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _plain(value: object) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
