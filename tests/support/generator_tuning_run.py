"""A training run of the toy generator, to be killed and called again.

``python -m support.generator_tuning_run FOLDER N METHOD`` ends itself with SIGKILL when N pairs are learnt.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from support import toy_llama
from tokenizers import Tokenizer

from models.generator.chat import Chat
from models.generator.weights import find, load
from retrain.generator import finetune
from retrain.generator.lessons import Lesson
from retrain.generator.options import TuningOptions

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Literal

    from retrain.generator.finetune import TunedGenerator

THINGS = ("parcel", "invoice", "card", "order", "parking", "tea")
# Two pairs a step, three steps a pass.
EPOCHS = 3


def run(
    folder: Path,
    *,
    method: Literal["lora", "full"] = "lora",
    seed: int = 13,
    tell: Callable[[str, int, int], None] = lambda *_: None,
    keeps: bool = True,
) -> TunedGenerator:
    """Tune the toy; checkpoints lie in the folder, with LoRA after every second step."""
    finetune._STEPS_OF_LORA = 2
    path = folder / "base"
    if not path.exists():
        toy_llama.write(path, toy_llama.llama())
    base = load(find(str(path), folder))
    chat = Chat(Tokenizer.from_str(base.tokenizer.to_str()), base.form)
    rate = 1e-2 if method == "lora" else 1e-3
    options = TuningOptions(
        method=method, epochs=EPOCHS, patience=EPOCHS, batch=2, learning_rate=rate, rank=4, blocks=1, seed=seed
    )
    kept = folder / "run"
    kept.mkdir(exist_ok=True)
    return finetune.finetune(
        base, chat.end, _lessons(chat, *THINGS), _lessons(chat, "voucher"), options, tell, kept if keeps else None
    )


def _lessons(chat: Chat, *things: str) -> list[Lesson]:
    prompts = [chat.prompt("Answer.", f"where is my {thing}") for thing in things]
    return [
        Lesson([*prompt, *chat.answer(f"Look at {thing}.")], len(prompt))
        for prompt, thing in zip(prompts, things, strict=True)
    ]


def main() -> None:
    folder, at, method = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]

    def die(_stage: str, done: int, _total: int) -> None:
        if done >= at:
            os.kill(os.getpid(), signal.SIGKILL)

    run(folder, method=method, tell=die)  # type: ignore[arg-type]


if __name__ == "__main__":
    main()
