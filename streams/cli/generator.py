"""``tocsin generator``: make a first generator, and have it write."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Annotated

import typer

from models.manifest import Manifest, VersionError
from models.registry import Registry
from streams.cli import common
from streams.cli.extras import bootstrap_extra
from streams.cli.registry_faults import registry_faults
from streams.cli.stages import Stages, bars
from streams.contract.settings import Settings

app = typer.Typer(help="Make the language model that drafts replies and briefs, and try it.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")]


@app.command()
def bootstrap(
    *,
    if_missing: Annotated[bool, typer.Option("--if-missing", help="Do nothing where a champion stands whole.")] = False,
    as_json: AsJson = False,
) -> None:
    """Make a generator of the base weights as they are, register it as the next version, and let it serve.

    It takes a minute at most, and no torch. Retraining fine-tunes it on the domain's answers.

    Example: `tocsin generator bootstrap --if-missing`
    """
    settings = common.settings()
    manifest, made = ensure_generator(settings, if_missing=if_missing)
    if as_json:
        common.print_json({"name": manifest.name, "version": manifest.version, "made": made, **_told(manifest)})
    else:
        size = manifest.files["model.onnx"].size / 1e6
        common.say(f"{manifest.name}:{manifest.version} serves: {manifest.precision}, {size:.0f} MB")


@app.command()
def write(
    message: Annotated[str, typer.Argument(help="What a customer writes.")],
    *,
    evidence: Annotated[
        list[str] | None, typer.Option("--evidence", help="An approved answer; may be given several times.")
    ] = None,
    topic: Annotated[str | None, typer.Option(help="What the message is about.")] = None,
    tone: Annotated[str | None, typer.Option(help="Of the reply.")] = None,
    as_json: AsJson = False,
) -> None:
    """Have the generator write a reply, as it comes: nothing is retrieved and nothing is checked.

    Example: `tocsin generator write "When are you open?" --evidence "We are open from nine to five."`
    """
    from models.generator.config import GenerationOptions  # noqa: PLC0415  late: the command line stays quick
    from models.generator.prompting import reply_prompt  # noqa: PLC0415  likewise
    from models.generator.runtime import Generator  # noqa: PLC0415  likewise

    settings = common.settings()
    served = settings.generator
    with registry_faults():
        _, generator = Registry.of(settings.model).resolve_and_load(
            served.name,
            served.alias,
            settings.model.cache,
            lambda folder: Generator.load(folder, threads=served.threads, batch=1),
        )
    prompt = reply_prompt(message, evidence or (), topic=topic, tone=tone)
    began = time.perf_counter()
    (written,) = generator.generate([prompt], GenerationOptions.of(served))
    seconds = time.perf_counter() - began
    if as_json:
        common.print_json({**written._asdict(), "seconds": round(seconds, 3), "model": generator.model})
    else:
        common.out.print(written.text, highlight=False, soft_wrap=True, markup=False)
        tokens = common.some(written.tokens, "token")
        common.err.print(
            f"{generator.model}: {tokens} in {seconds:.1f} s, stopped at {written.stopped}", highlight=False
        )


def ensure_generator(settings: Settings, *, if_missing: bool = True) -> tuple[Manifest, bool]:
    """Make a first generator that serves, with progress bars on standard error.

    Args:
        settings: Which registry, base weights and precision.
        if_missing: Make none where a champion stands whole.

    Returns:
        The champion, and whether it was made now.

    Raises:
        CommandError: It cannot be made, or another process made a champion meanwhile; the message says which.
    """
    from models.generator.runtime import Generator  # noqa: PLC0415  late: the command line stays quick

    name, cache = settings.generator.name, settings.model.cache
    with registry_faults():
        registry = Registry.of(settings.model)
        before = registry.aliases(name).get("champion")
        if if_missing and before is not None:
            try:
                registry.fetch(name, before, cache)
            except VersionError as error:
                common.err.print(f"[yellow]warning:[/] the champion is refused: {error}", highlight=False)
            else:
                return registry.manifest(name, before), False
        version = _make(registry, settings)
        # It serves only after it has written here as it did at export.
        Generator.load(registry.fetch(name, version, cache), threads=settings.generator.threads)
        registry.set_alias(name, "champion", version, expected=before)
        return registry.manifest(name, version), True


def _make(registry: Registry, settings: Settings) -> int:
    """Make and register; the number of the new version."""
    with bootstrap_extra():
        from models.base_files import WeightsError  # noqa: PLC0415  likewise
        from models.generator import bootstrap as making  # noqa: PLC0415  a worker's install lacks what it needs
    served, cache = settings.generator, settings.model.cache
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="generator-", dir=cache) as out, bars() as progress:
        try:
            made = making.bootstrap(
                base=served.base,
                precision=served.precision,
                out=Path(out),
                cache=cache,
                on_progress=Stages(progress).move,
            )
        except WeightsError as error:
            raise common.CommandError(str(error)) from error
        return making.register(registry, Path(out), served.name, served.precision, made)


def _told(manifest: Manifest) -> dict[str, object]:
    return {"precision": manifest.precision, "max_tokens": manifest.max_tokens, "lineage": manifest.lineage}
