"""Self-attention in a sliding window: event t attends to the live events of [t − w, t + w].

Kunlun (arXiv 2602.10016), SWA. In blocks: w neighbouring queries meet the 3w keys of their own
block and the two beside it, so that there are O(T · w) scores.

R requests, T events, w window, d width, H heads of width E = d / H; b blocks, q queries of a
block, k keys that a block meets.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as fn

from models.layers.rotary import rotate
from models.layers.self_attention import merge_heads, split_heads
from models.layers.target_attention import DEAD


class WindowAttention(nn.Module):
    """With an output projection, without a residual. A dead event gives zeros.

    Up to T = 3w, one block of all events is less work than several with neighbours.
    """

    band_qk: Tensor

    def __init__(self, width: int, heads: int, length: int, window: int) -> None:
        super().__init__()
        self.heads, self.length = heads, length
        self.scale = 1.0 / math.sqrt(width // heads)
        self.block = window if length > 3 * window else length
        self.blocks = math.ceil(length / self.block)
        self.beside = min(self.blocks - 1, 1)
        query_q1 = torch.arange(self.block).unsqueeze(1)
        key_k = torch.arange((1 + 2 * self.beside) * self.block) - self.beside * self.block
        self.register_buffer("band_qk", (key_k - query_q1).abs() <= window, persistent=False)
        self.project_in = nn.Linear(width, 3 * width, bias=False)
        self.project_out = nn.Linear(width, width, bias=False)

    def forward(self, s_rtd: Tensor, live_rt: Tensor, phase: Tensor | None = None) -> Tensor:
        """`[R, T, d]` → `[R, T, d]`; phase as in self_attention: `[T, E/2]` or `[R, T, E/2]`."""
        parts_rtd = self.project_in(s_rtd).chunk(3, dim=-1)
        q_rhte, k_rhte, v_rhte = (split_heads(part_rtd, self.heads) for part_rtd in parts_rtd)
        if phase is not None:
            phase = phase.unsqueeze(-3)
            q_rhte, k_rhte = rotate(q_rhte, phase), rotate(k_rhte, phase)
        read_rtd = merge_heads(self._read(q_rhte, k_rhte, v_rhte, live_rt))
        return self.project_out(read_rtd) * live_rt.unsqueeze(-1)  # type: ignore[no-any-return]

    def _read(self, q_rhte: Tensor, k_rhte: Tensor, v_rhte: Tensor, live_rt: Tensor) -> Tensor:
        q_rhbqe = self._blocks(q_rhte, 0) * self.scale
        scores_rhbqk = q_rhbqe @ self._nearby(k_rhte).transpose(3, 4) + self._dead(live_rt)
        read_rhbqe = scores_rhbqk.softmax(-1) @ self._nearby(v_rhte)
        return read_rhbqe.flatten(2, 3)[:, :, : self.length]

    def _dead(self, live_rt: Tensor) -> Tensor:
        """What keeps out the keys that are dead or beyond the window → `[R, 1, b, q, k]`."""
        live_rhbk = self._nearby(live_rt[:, None, :, None].float()).squeeze(4) > 0
        return torch.where(live_rhbk.unsqueeze(3) & self.band_qk, 0.0, DEAD)

    def _nearby(self, x_rhte: Tensor) -> Tensor:
        """Each block with the ones beside it, zeros beyond the ends → `[R, H, b, k, E]`."""
        x_rhbqe = self._blocks(x_rhte, self.beside)
        shifts = range(1 + 2 * self.beside)
        return torch.cat([x_rhbqe[:, :, shift : shift + self.blocks] for shift in shifts], dim=3)

    def _blocks(self, x_rhte: Tensor, beside: int) -> Tensor:
        front = beside * self.block
        back = front + self.blocks * self.block - self.length
        padded_rhte = fn.pad(x_rhte, (0, 0, front, back))
        return padded_rhte.unflatten(2, (-1, self.block))  # type: ignore[no-any-return]
