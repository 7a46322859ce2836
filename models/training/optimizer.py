"""AdamW over a model in two groups: identity embeddings overfit first, so they decay more."""

import torch
from torch import nn


def adamw(
    model: nn.Module, *, learning_rate: float, embedding_decay: float, weight_decay: float
) -> torch.optim.AdamW:
    tables = {id(module.weight) for module in model.modules() if isinstance(module, nn.Embedding)}
    embeddings = [weight for weight in model.parameters() if id(weight) in tables]
    others = [weight for weight in model.parameters() if id(weight) not in tables]
    groups = [
        {"params": embeddings, "lr": learning_rate, "weight_decay": embedding_decay},
        {"params": others, "lr": learning_rate, "weight_decay": weight_decay},
    ]
    return torch.optim.AdamW(groups, fused=True)
