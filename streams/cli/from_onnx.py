"""``tocsin models from-onnx``: base weights out of an ONNX file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from streams.cli import common
from streams.cli.extras import bootstrap_extra


def from_onnx(
    model: Annotated[Path, typer.Argument(metavar="MODEL.onnx", help="A BERT as torch exports it, in fp32.")],
    *,
    tokenizer: Annotated[Path, typer.Option(help="Its tokenizer.json.")],
    to: Annotated[Path, typer.Option(help="Folder that is made, for model.base.")],
    heads: Annotated[
        int | None, typer.Option(min=1, help="Attention heads; one for each 64 of the width if not given.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")] = False,
) -> None:
    """Make base weights of an ONNX file, where no model hub can be reached; docs/base-model.md has an example.

    What was read is run beside the file itself, and refused where the two do not compute the same.

    Example: `tocsin models from-onnx model.onnx --tokenizer tokenizer.json --to bases/bge-small-zh`
    """
    if to.exists() and (not to.is_dir() or any(to.iterdir())):
        raise common.CommandError(f"{to} is there already: give another folder (--to); nothing was written")
    for file in (model, tokenizer):
        if not file.is_file():
            raise common.CommandError(f"there is no file {file}", common.NOT_FOUND)
    with bootstrap_extra():
        from models.base_files import WeightsError  # noqa: PLC0415  likewise
        from models.onnx_base import from_onnx as convert  # noqa: PLC0415  a worker's install lacks what it needs
    try:
        difference = convert(model, tokenizer, to, heads=heads)
    except WeightsError as error:
        raise common.CommandError(str(error)) from error
    except OSError as error:
        raise common.CommandError(f"{to} cannot be written: {error}") from error
    if as_json:
        common.print_json({"folder": str(to), "difference": difference})
    else:
        common.say(f'{to} is made, and differs from {model} by {difference:.1g} at most: model.base = "{to}"')
