"""What a family of students hands to the layers that all of them share."""

from typing import NamedTuple

from torch import Tensor


class Sides(NamedTuple):
    """Side by side what the first hidden layer reads; the user's share is multiplied once a
    request."""

    user: list[Tensor]  # [R, …] each
    candidate: list[Tensor]  # [N, …] each
