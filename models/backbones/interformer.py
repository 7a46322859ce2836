"""InterFormer (arXiv 2411.09852): fields and events inform each other, layer by layer.

The candidate is kept out of X until the head, so that all of this is computed once a request
(the paper has its features among X, and so computes a request's events once a candidate).
`cls`, `pooled`, `recent`, `gates` and `personal` take parts away for the suite `ablations`.

R requests, n tokens of the user and the context, m of them summed up, T events, d width.
"""

from typing import Literal, Self

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn
from torch.nn import functional as fn

from models.backbones.understood import Embed, Events, Understood
from models.layers.compressed_tokens import CompressedTokens
from models.layers.interaction import DhenInteraction
from models.layers.personal_ffn import PersonalFeedForward
from models.layers.pooled_attention import PooledAttention
from models.layers.rotary import position_phase
from models.layers.self_attention import SelfAttention
from models.layers.token_gate import TokenGate
from models.schema import Frozen
from models.stem import Past


class InterFormerConfig(Frozen):
    family: Literal["interformer"] = "interformer"
    width: int = Field(default=32, gt=0)
    heads: int = Field(default=2, gt=0)
    layers: int = Field(default=2, gt=0)
    length: int = Field(default=100, gt=0)  # the newest events that are read
    summary: int = Field(default=4, gt=0)  # tokens of X_sum, and so CLS tokens
    cls: bool = True
    pooled: int = Field(default=2, ge=0)  # 0: no PMA
    recent: int = Field(default=2, ge=0)
    gates: bool = True
    personal: bool = True  # else events attend as they are, and a layer's X_sum has no reader
    rank: int = Field(default=32, gt=0)  # of the crosses

    @property
    def event_widths(self) -> tuple[int, ...]:
        return (self.width,)

    @property
    def cls_tokens(self) -> int:
        return self.summary if self.cls else 0

    @property
    def sequence_tokens(self) -> int:
        """Of S_sum."""
        return self.cls_tokens + self.pooled + self.recent

    @property
    def summary_tokens(self) -> int:
        return self.summary + self.sequence_tokens

    @model_validator(mode="after")
    def _is_something_left(self) -> Self:
        if not self.sequence_tokens:
            raise ValueError(
                "cls false, pooled 0, recent 0: no token sums up the events; leave one of them in"
            )
        return self


class InterFormer(nn.Module):
    def __init__(self, config: InterFormerConfig, tokens: int, event_width: int) -> None:
        super().__init__()
        width = config.width
        self.config = config
        self.event = nn.Linear(event_width, width)
        self.mask = nn.Linear(event_width, width)  # MaskNet: S0 · MLP_mask(S0), then merged
        self.first = CompressedTokens(tokens, config.summary) if config.cls else None
        self.layers = nn.ModuleList(_Layer(config, tokens) for _ in range(config.layers))
        self.last = _Summary(config, tokens)
        length = config.cls_tokens + config.length
        phase = position_phase(length, width // config.heads)
        self.register_buffer("phase", phase, persistent=False)

    def forward(self, x_rnd: Tensor, past: Past, embed: Embed) -> Understood:
        past = past.newest(self.config.length)
        events_rle, live_rl = embed(past), past.live
        s_rtd = self.event(events_rle) * torch.sigmoid(self.mask(events_rle))
        live_rt = live_rl
        if self.first is not None:
            s_rtd = torch.cat([self.first(x_rnd), s_rtd], dim=1)
            live_rt = fn.pad(live_rl, (self.config.cls_tokens, 0), value=True)
        for layer in self.layers:
            x_rnd, s_rtd = layer(x_rnd, s_rtd, live_rt, self.phase)
        summary = self.last(x_rnd, s_rtd, live_rt)
        events = s_rtd[:, self.config.cls_tokens :]
        return Understood(torch.cat(summary, dim=1), [Events(events, live_rl)])

    def interaction(self, tokens: int, tokens_out: int) -> nn.Module:
        """What tokens of a candidate meet in."""
        return DhenInteraction(tokens, self.config.width, tokens_out, self.config.rank)


class _Summary(nn.Module):
    """X_sum = Gate(LCE(X)), S_sum = Gate([S_cls ; PMA(S) ; S_recent])."""

    def __init__(self, config: InterFormerConfig, tokens: int) -> None:
        super().__init__()
        width = config.width
        self.cls, self.recent = config.cls_tokens, config.recent
        self.compress = CompressedTokens(tokens, config.summary)
        self.x_gate = TokenGate(width) if config.gates else nn.Identity()
        self.pool = PooledAttention(width, config.heads, config.pooled) if config.pooled else None
        self.s_gate = TokenGate(width) if config.gates else nn.Identity()

    def forward(self, x_rnd: Tensor, s_rtd: Tensor, live_rt: Tensor) -> tuple[Tensor, Tensor]:
        """`[R, m, d]` and `[R, sequence_tokens, d]`."""
        summed = torch.cat(self._of_events(s_rtd, live_rt), dim=1)
        return self.x_gate(self.compress(x_rnd)), self.s_gate(summed)

    def _of_events(self, s_rtd: Tensor, live_rt: Tensor) -> list[Tensor]:
        events, live_rl = s_rtd[:, self.cls :], live_rt[:, self.cls :]
        parts = [s_rtd[:, : self.cls]] if self.cls else []
        if self.pool is not None:
            parts.append(self.pool(events, live_rl))
        if self.recent:
            parts.append((events * live_rl.unsqueeze(-1))[:, -self.recent :])
        return parts


class _Layer(nn.Module):
    """X ← Interaction([X ; S_sum]); S ← LN(S + MHA(PFFN(X_sum, S))). Both read the layer's input.

    The residual and its norm are ours: without them two layers train worse than one.
    """

    def __init__(self, config: InterFormerConfig, tokens: int) -> None:
        super().__init__()
        width = config.width
        self.summary = _Summary(config, tokens)
        inner = tokens + config.sequence_tokens
        self.interaction = DhenInteraction(inner, width, tokens, config.rank)
        self.personal = PersonalFeedForward(config.summary, width) if config.personal else None
        self.attention = SelfAttention(width, config.heads)
        self.norm = nn.LayerNorm(width)

    def forward(
        self, x_rnd: Tensor, s_rtd: Tensor, live_rt: Tensor, phase: Tensor
    ) -> tuple[Tensor, Tensor]:
        x_sum, s_sum = self.summary(x_rnd, s_rtd, live_rt)
        x_next = self.interaction(torch.cat([x_rnd, s_sum], dim=1))
        read = s_rtd if self.personal is None else self.personal(x_sum, s_rtd)
        return x_next, self.norm(s_rtd + self.attention(read, live_rt, phase))
