"""A log of some of its users, for machines on which all of them take too long."""

from dataclasses import replace

import numpy as np
import polars as pl

from models.data.errors import LogInvalid
from models.data.log import Log
from models.data.statistics import fitted
from models.features.hashing import keys64


def of_users(log: Log, share: float) -> Log:
    """About this share of the users, whole; the same ones in any log. Raises LogInvalid.

    Counters of items and the columns' statistics are of these users alone.
    """
    users = log.users.filter(keys64(log.users["user_id"].to_list()) < share * 2.0**64)
    sampled = replace(
        log,
        users=users,
        impressions=log.impressions.join(users, on="user_id", how="semi", maintain_order="left"),
        provenance=f"{log.provenance} Of {len(users):,} of its {len(log.users):,} users",
    )
    if not np.all([len(users), len(sampled.impressions)]):
        raise LogInvalid(f"{share:g} of {len(log.users):,} users are none that saw an item")
    return fitted(replace(sampled, requests=_offered(sampled)))


def _offered(log: Log) -> pl.DataFrame | None:
    """Lists of the requests that are left."""
    if log.requests is None:
        return None
    return log.requests.join(log.impressions, on="request_id", how="semi", maintain_order="left")
