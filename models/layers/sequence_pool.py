"""How a student reads the z that a teacher left of a user's past impressions (LoopFM, arXiv
2605.29280), each with its age.

R requests, N candidates, K candidates of the fullest request, L entries, d width of z (suffix z),
D width, H hidden width. Ages are log(1 + seconds) / 10, as models.features.build has them.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as fn

from models.layers.target_attention import DEAD, group, ungroup


class SequenceSum(nn.Module):
    """Σ over the live entries of Linear(z, age), divided by √count; zeros without entries.

    The plain sum pooling of LoopFM grows with L. A mean would hide how much is known of a user;
    over the root of the count, entries that differ keep their size and those that agree grow.
    """

    def __init__(self, dim: int, width: int) -> None:
        super().__init__()
        self.entry = nn.Linear(dim + 1, width)

    def forward(self, z_rlz: Tensor, age_rl: Tensor, live_rl: Tensor) -> Tensor:
        """→ `[R, D]`. Summed before it is projected: one row a request instead of L."""
        root_r1 = live_rl.float().sum(1, keepdim=True).sqrt()
        sum_rz = _live_entries(z_rlz, age_rl, live_rl).sum(1) / root_r1.clamp(min=1.0)
        return fn.linear(sum_rz, self.entry.weight) + root_r1 * self.entry.bias


class SequenceAttention(nn.Module):
    """Each candidate q weighs its own user's entries s = Linear(z, age) (DIN, arXiv 1706.06978).

    score = v·relu(W [q, s, q − s, q⊙s] + b) + c; softmax over the live entries and one null entry
    of score 0 and value 0, where DIN leaves its weights unnormalised. Zeros without entries.
    """

    def __init__(self, dim: int, width: int, hidden: int = 16) -> None:
        super().__init__()
        self.entry = nn.Linear(dim + 1, width)
        self.first = nn.Linear(4 * width, hidden)
        self.score = nn.Linear(hidden, 1)

    def forward(
        self,
        query_nd: Tensor,
        z_rlz: Tensor,
        age_rl: Tensor,
        live_rl: Tensor,
        rows_rk: Tensor,
        place_n: Tensor,
    ) -> Tensor:
        """→ `[N, D]`. `rows_rk` and `place_n` as in models.features.grouping.Grouping."""
        entries_rld: Tensor = self.entry(_live_entries(z_rlz, age_rl, live_rl))
        scores_rkl = self._scores(group(query_nd, rows_rk), entries_rld)
        scores_rkl = torch.where(live_rl.unsqueeze(1), scores_rkl, DEAD)
        weights_rkl = fn.pad(scores_rkl, (1, 0)).softmax(-1)[..., 1:]
        return ungroup(weights_rkl @ entries_rld, place_n)

    def _scores(self, query_rkd: Tensor, entries_rld: Tensor) -> Tensor:
        """`[R, K, D]`, `[R, L, D]` → `[R, K, L]`, without the concat of `[R, K, L, 4 D]`.

        W [q, s, q − s, q⊙s] = (Wq + Wd) q + (Ws − Wd + Wp ⊙ q) s: for each candidate a linear map
        of s, so that all of a request's are one product with its entries.
        """
        weight_hpd = self.first.weight.unflatten(1, (4, -1))
        # Not chunk, nor unbind: the exporter folds no constants behind a Split.
        of_q_hd, of_s_hd, of_difference_hd, of_product_hd = (
            weight_hpd[:, part] for part in range(4)
        )
        map_rkhd = query_rkd.unsqueeze(2) * of_product_hd + (of_s_hd - of_difference_hd)
        offset_rkh = fn.linear(query_rkd, of_q_hd + of_difference_hd, self.first.bias)
        mapped = map_rkhd.flatten(1, 2) @ entries_rld.transpose(1, 2)
        hidden_rkhl = mapped.unflatten(1, (-1, self.first.out_features))
        hidden_rkhl = fn.relu(hidden_rkhl + offset_rkh.unsqueeze(-1))
        return (self.score.weight @ hidden_rkhl).squeeze(2) + self.score.bias


def _live_entries(z_rlz: Tensor, age_rl: Tensor, live_rl: Tensor) -> Tensor:
    """z and age side by side `[R, L, d + 1]`; whatever stands in padding becomes zero."""
    entries = torch.cat([z_rlz, age_rl.unsqueeze(-1)], -1)
    return torch.where(live_rl.unsqueeze(-1), entries, 0.0)
