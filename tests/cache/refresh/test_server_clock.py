from cache.refresh.server_clock import ServerClock
from tests.cache.fake_clock import FakeClock


def test_servers_time_goes_on_with_the_own_monotonic_clock() -> None:
    own = FakeClock()
    clock = ServerClock(own)
    clock.told(5_000_000)
    own.now += 2.5
    assert clock.now_ms() == 5_002_500
    clock.told(5_002_000)
    assert clock.now_ms() == 5_002_000


def test_message_has_waited_since_the_server_took_it() -> None:
    clock = ServerClock(FakeClock())
    clock.told(5_000_000)
    assert clock.waited_ms(b"4999000-17") == 1000
    assert clock.waited_ms(b"5000400-0") == 0
