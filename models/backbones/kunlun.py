"""Kunlun (arXiv 2602.10016): InterFormer's exchange in operations that hardware is good at.

Even layers pool (HSP) and personalise (GDPA) each sequence, odd ones attend in a window (SWA) and
reuse what was pooled: computation skip. Each kind of event has a sequence, a width, heads, tokens,
layers and a window of its own. The candidate is kept out of X until the head, as in our
InterFormer. `skips` and `personal` are for ablations: the suite `scaling` measures what each saves.

R requests, n tokens of the user and the context, m of them summed up, T events, d width.
"""

from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from models.backbones.understood import Embed, Events, Understood
from models.layers.compressed_tokens import CompressedTokens
from models.layers.event_kinds import latest_of_kind
from models.layers.gdpa import GeneralisedAttention
from models.layers.personal_ffn import PersonalFeedForward
from models.layers.rotary import time_phase
from models.layers.seed_pooling import SeedPooling
from models.layers.window_attention import WindowAttention
from models.layers.wukong import WukongExperts
from models.schema import Frozen
from models.stem import Past


class EventConfig(Frozen):
    """How events of one kind are read; kind 0 is every impression, kind 1 + t a positive of
    task t."""

    kind: int = Field(ge=0)
    length: int = Field(gt=0)
    width: int = Field(gt=0)
    heads: int = Field(gt=0)
    tokens: int = Field(gt=0)
    layers: int = Field(gt=0)
    window: int = Field(gt=0)


class KunlunConfig(Frozen):
    family: Literal["kunlun"] = "kunlun"
    width: int = Field(default=32, gt=0)
    summary: int = Field(default=4, gt=0)
    rank: int = Field(default=8, gt=0)
    experts: int = Field(default=2, gt=0)
    kron_terms: int = Field(default=2, gt=0)
    seeds_per_token: int = Field(default=4, gt=0)
    skips: bool = True  # else every layer pools and personalises, and then attends
    personal: Literal["gdpa", "pffn"] = "gdpa"
    kinds: tuple[EventConfig, ...] = Field(min_length=1)

    @property
    def layers(self) -> int:
        return max(kind.layers for kind in self.kinds)

    @property
    def event_widths(self) -> tuple[int, ...]:
        return tuple(kind.width for kind in self.kinds)

    @property
    def summary_tokens(self) -> int:
        return self.summary + sum(kind.tokens for kind in self.kinds)


class Kunlun(nn.Module):
    def __init__(self, config: KunlunConfig, tokens: int, event_width: int) -> None:
        super().__init__()
        self.config = config
        self.sequences = nn.ModuleList(_Sequence(kind, event_width) for kind in config.kinds)
        counts = [tokens] + [config.summary_tokens] * (config.layers - 1)
        self.layers = nn.ModuleList(
            _Layer(config, number, count) for number, count in enumerate(counts)
        )

    def forward(self, x_rnd: Tensor, past: Past, embed: Embed) -> Understood:
        read = [sequence(past, embed) for sequence in self.sequences]
        values = [events.values for events, _ in read]
        live = [events.live for events, _ in read]
        phases = [phase for _, phase in read]
        pooled: list[Tensor] = []
        for layer in self.layers:
            x_rnd, values, pooled = layer(x_rnd, values, live, phases, pooled)
        return Understood(x_rnd, list(map(Events, values, live)))

    def interaction(self, tokens: int, tokens_out: int) -> nn.Module:
        """What tokens of a candidate meet in."""
        config = self.config
        return WukongExperts(tokens, config.width, tokens_out, config.rank, config.experts)


class _Sequence(nn.Module):
    """The newest events of one kind, in the kind's own width, with the phase of their ages."""

    frequency: Tensor

    def __init__(self, config: EventConfig, event_width: int) -> None:
        super().__init__()
        self.kind, self.length = config.kind, config.length
        self.event = nn.Linear(event_width, config.width)
        pairs = config.width // config.heads // 2
        # Phases of log seconds: from one turn over a thousandfold age down to a tenth of it.
        frequency = 10.0 ** -torch.linspace(0.0, 1.0, pairs)
        self.register_buffer("frequency", frequency, persistent=False)

    def forward(self, past: Past, embed: Embed) -> tuple[Events, Tensor]:
        rows_rt, live_rt = latest_of_kind(past.outcome, self.kind, self.length)
        past = past.taken(rows_rt)
        return Events(self.event(embed(past)), live_rt), time_phase(past.log_age, self.frequency)


class _Layer(nn.Module):
    def __init__(self, config: KunlunConfig, number: int, tokens: int) -> None:
        super().__init__()
        width = config.width
        self.compress = CompressedTokens(tokens, config.summary)
        self.summed = nn.Linear(width, width)
        self.blocks = nn.ModuleList(_block(config, kind, number) for kind in config.kinds)
        self.experts = WukongExperts(
            config.summary_tokens, width, config.summary_tokens, config.rank, config.experts
        )

    def forward(
        self,
        x_rnd: Tensor,
        values: list[Tensor],
        live: list[Tensor],
        phases: list[Tensor],
        pooled: list[Tensor],
    ) -> tuple[Tensor, list[Tensor], list[Tensor]]:
        x_sum = torch.nn.functional.silu(self.summed(self.compress(x_rnd)))
        held: list[Tensor | None] = [*pooled] if pooled else [None] * len(values)
        done = [
            block(x_sum, *read)
            for block, *read in zip(self.blocks, values, live, phases, held, strict=True)
        ]
        pooled = [tokens for _, tokens in done]
        return self.experts(torch.cat([x_sum, *pooled], 1)), [s for s, _ in done], pooled


def _block(config: KunlunConfig, kind: EventConfig, number: int) -> nn.Module:
    if number >= kind.layers:
        return _Rest()
    if not config.skips:
        return _Both(config, kind)
    return _Pooling(config, kind) if number % 2 == 0 else _Attending(config, kind)


class _Pooling(nn.Module):
    """Even: H = HSP(S), S ← S + GDPA(S, X_sum)."""

    def __init__(self, config: KunlunConfig, kind: EventConfig) -> None:
        super().__init__()
        seeds = kind.tokens * config.seeds_per_token
        terms = config.kron_terms
        self.pool = SeedPooling(kind.width, kind.heads, seeds, kind.tokens, terms)
        self.widen = _linear(kind.width, config.width)
        self.narrow = _linear(config.width, kind.width)
        self.personal = _personal(config, kind)

    def forward(
        self, x_sum: Tensor, s: Tensor, live: Tensor, phase: Tensor, held: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        pooled: Tensor = self.widen(self.pool(s, live))
        return s + self.personal(s, self.narrow(x_sum)), pooled


class _Attending(nn.Module):
    """Odd: S ← LN(S + SWA(S)); H as the layer before left it."""

    def __init__(self, config: KunlunConfig, kind: EventConfig) -> None:
        super().__init__()
        self.attention = WindowAttention(kind.width, kind.heads, kind.length, kind.window)
        self.norm = nn.LayerNorm(kind.width)

    def forward(
        self, x_sum: Tensor, s: Tensor, live: Tensor, phase: Tensor, held: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        assert held is not None
        return self.norm(s + self.attention(s, live, phase)), held


class _Both(nn.Module):
    """Without computation skip: an even layer and then an odd one."""

    def __init__(self, config: KunlunConfig, kind: EventConfig) -> None:
        super().__init__()
        self.pooling = _Pooling(config, kind)
        self.attending = _Attending(config, kind)

    def forward(
        self, x_sum: Tensor, s: Tensor, live: Tensor, phase: Tensor, held: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        s, pooled = self.pooling(x_sum, s, live, phase, held)
        attended: tuple[Tensor, Tensor] = self.attending(x_sum, s, live, phase, pooled)
        return attended


class _Rest(nn.Module):
    """A kind whose layers are all done."""

    def forward(
        self, x_sum: Tensor, s: Tensor, live: Tensor, phase: Tensor, held: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        assert held is not None
        return s, held


class _FeedForward(nn.Module):
    """InterFormer's PFFN where GDPA stands."""

    def __init__(self, width: int, tokens: int) -> None:
        super().__init__()
        self.feed_forward = PersonalFeedForward(tokens, width)

    def forward(self, s: Tensor, x_sum: Tensor) -> Tensor:
        return self.feed_forward(x_sum, s)  # type: ignore[no-any-return]


def _personal(config: KunlunConfig, kind: EventConfig) -> nn.Module:
    if config.personal == "pffn":
        return _FeedForward(kind.width, config.summary)
    return GeneralisedAttention(kind.width, kind.heads, config.summary)


def _linear(width: int, width_out: int) -> nn.Module:
    return nn.Identity() if width == width_out else nn.Linear(width, width_out)
