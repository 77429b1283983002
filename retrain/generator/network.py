"""The generator in torch: transformers' own Llama of the weights that are served, and back into such weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from peft import LoraConfig, inject_adapter_in_model
from peft.tuners.lora import LoraLayer
from torch.nn import functional
from transformers import AutoConfig, AutoModelForCausalLM

from models.generator.llama import EMBEDDING, HEAD, weight_shapes

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor, nn
    from transformers import PreTrainedModel

    from models.generator.llama import Llama
    from retrain.generator.lessons import Lesson
    from retrain.generator.options import TuningOptions

# They weigh so many times their plain product.
_SCALE = 2
_MAPS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


def network(llama: Llama, end: int) -> PreTrainedModel:
    """A causal language model in fp32 with these weights, a copy of them.

    Args:
        llama: Sizes and weights.
        end: Id of the token that ends a turn.
    """
    sizes = llama.sizes.config(eos=end)
    # Not on the device "meta": what a model computes for itself, such as its rotations, would be lost there.
    config = AutoConfig.for_model(**sizes)
    model: PreTrainedModel = AutoModelForCausalLM.from_config(config, dtype=torch.float32)  # type: ignore[no-untyped-call]
    tensors = {name: torch.tensor(weight) for name, weight in llama.weights.items()}
    if llama.sizes.tie_word_embeddings:
        tensors[HEAD] = tensors[EMBEDDING]
    model.load_state_dict(tensors)
    model.tie_weights()
    return model


def apply_method(model: PreTrainedModel, options: TuningOptions) -> None:
    """Set which weights learn: all, or LoRA's additions (Hu et al. 2022) to the linear maps of the upper blocks."""
    if options.method == "full":
        return
    model.requires_grad_(requires_grad=False)
    blocks = model.config.num_hidden_layers
    config = LoraConfig(
        r=options.rank,
        lora_alpha=_SCALE * options.rank,
        target_modules=_MAPS,
        layers_to_transform=list(range(blocks - options.blocks, blocks)) if options.blocks < blocks else None,
    )
    inject_adapter_in_model(config, model)


def answer_loss(model: PreTrainedModel, lesson: Lesson) -> Tensor:
    """Cross-entropy summed over the answer's tokens; those of the prompt are read and not learnt.

    The prompt is read first, as at serving, and no gradient goes through that: it is three quarters of a lesson, and
    what is to be learnt is how to write. Only where the answer is written are there logits.
    """
    ids = torch.tensor([lesson.ids], device=model.device)
    with torch.no_grad():
        read = model.base_model(input_ids=ids[:, : lesson.prompt - 1], use_cache=True).past_key_values
    written = model.base_model(input_ids=ids[:, lesson.prompt - 1 : -1], past_key_values=read, use_cache=True)
    logits = model.get_output_embeddings()(written.last_hidden_state[0])  # type: ignore[no-untyped-call]
    return functional.cross_entropy(logits.float(), ids[0, lesson.prompt :], reduction="sum")


def merged(model: PreTrainedModel, llama: Llama) -> dict[str, NDArray[np.float32]]:
    """The model's weights by the names that ``llama`` has, what LoRA added merged into them for good.

    Args:
        model: From ``network``; its additions are used up.
        llama: What it was made from.
    """
    for module in model.modules():
        if isinstance(module, LoraLayer):
            module.merge()
    state = {name.replace(".base_layer", ""): tensor for name, tensor in model.state_dict().items()}
    return {name: state[name].detach().float().cpu().numpy().copy() for name in weight_shapes(llama.sizes)}


def learning(model: PreTrainedModel) -> dict[str, nn.Parameter]:
    """The weights that learn, by name."""
    return {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}
