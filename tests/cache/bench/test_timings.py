import asyncio

import pytest

from cache.bench import __main__ as command
from cache.bench import timings
from cache.bench.timings import Spread, compared


async def test_reads_take_turns_in_every_round() -> None:
    order: list[str] = []

    def read(name: str) -> timings.Read:
        async def reading() -> None:
            order.append(name)
            await asyncio.sleep(0)

        return reading

    measured = await compared({"a": read("a"), "b": read("b")}, 2, calls=4, rounds=2)
    # One call to warm up, then two of each of two callers.
    assert order == (["a"] * 5 + ["b"] * 5) * 2
    assert measured.keys() == {"a", "b"}
    assert all(0 < spread.p50_us <= spread.p99_us for spread in measured.values())


def test_best_of_two_rounds_is_taken_by_column() -> None:
    assert Spread(3.0, 9.0, 5.0).best(Spread(4.0, 8.0, 7.0)) == Spread(3.0, 8.0, 7.0)


@pytest.mark.redis
def test_one_run_prints_every_table(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for module, name in ((command, "CALLS"), (timings, "RUNS"), (timings, "REPEATS")):
        monkeypatch.setattr(module, name, 8)
    monkeypatch.setattr(command, "ROUNDS", 1)
    command.main()
    told = capsys.readouterr().out
    for head in ("|  | fp16 | int8 | int4 |", "bytes a user", "p50 with arrays", "reads/s"):
        assert head in told
    assert told.count("a key a pair") == 1 + len(command.CALLERS)
