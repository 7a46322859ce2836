import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from server.bench.cases import cases
from server.bench.mmr import mmr


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), count=st.integers(2, 14), trade=st.floats(0.0, 1.0))
def test_mmr_picks_what_its_formula_picks(seed: int, count: int, trade: float) -> None:
    rng = np.random.default_rng(seed)
    values, z = np.sort(rng.random(count))[::-1], rng.normal(size=(count, 8))
    units = z / np.linalg.norm(z, axis=1)[:, None]
    similar = (1.0 + units @ units.T) / 2.0
    relevance = (values - values.min()) / (values.max() - values.min())
    picks = mmr(values, z.astype(np.float32), trade, 6)
    assert len(set(picks)) == len(picks) == min(6, count)
    for step, pick in enumerate(picks):
        nearest = similar[picks[:step]].max(axis=0) if step else np.zeros(count)
        gain = trade * relevance - (1.0 - trade) * nearest
        gain[picks[:step]] = -np.inf
        assert gain[pick] >= gain.max() - 1e-6


def test_every_case_fills_its_slate() -> None:
    for name, case in cases(200, 10).items():
        told = case()
        positions = getattr(told, "positions", told)
        assert len(np.unique(np.asarray(positions))) == 10, name
