"""Each kind of event as a sequence of its own.

Kunlun (arXiv 2602.10016), event-level personalisation: clicks are few and say much, impressions
are many and say little, so each kind can be read by layers of its own size.

R requests, T events, L events kept.
"""

import torch
from torch import Tensor
from torch.nn import functional as fn

from models.layers.matched_events import kinds_of


def latest_of_kind(outcome_rt: Tensor, kind: int, length: int) -> tuple[Tensor, Tensor]:
    """Which of the events are the newest L whose outcome has bit `kind`, oldest first.

    int64 `[R, T]` outcome bits → int64 `[R, L]` rows of T and bool `[R, L]` live. Where there are
    fewer, the front is not live and holds row 0. Padding has outcome 0, hence no kind.
    """
    events = outcome_rt.shape[1]
    of_kind_rt = kinds_of(outcome_rt, kind + 1)[..., kind].long()
    # Scores without ties, or topk could choose differently on another machine.
    score_rt = of_kind_rt * events + torch.arange(events, device=outcome_rt.device)
    newest_rl, row_rl = score_rt.topk(min(length, events), dim=1)
    live_rl = newest_rl >= events
    row_rl = torch.where(live_rl, row_rl, 0)
    missing = (length - row_rl.shape[1], 0)
    return fn.pad(row_rl.flip(1), missing), fn.pad(live_rl.flip(1), missing, value=False)
