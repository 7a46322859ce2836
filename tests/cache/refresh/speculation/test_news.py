import numpy as np

from cache.refresh.speculation.news import News
from models.speculation.policy import Asked, Computed
from tests.cache.refresh.speculation.recurring import Recurring

NONE = np.zeros(0, np.int64)


def request(user: int) -> Asked:
    return Asked(user, 0, NONE, NONE, np.zeros(0, np.float32), np.zeros(0, np.uint8))


class Ordered(Recurring):
    def __init__(self) -> None:
        super().__init__()
        self.order: list[str] = []

    def asked(self, asked: Asked) -> None:
        self.order.append(f"asked {asked.user}")

    def computed(self, computed: Computed) -> None:
        self.order.append(f"computed {computed.user}")


def test_policy_is_told_in_order_and_a_little_at_once() -> None:
    policy = Ordered()
    news = News(policy)
    for user in range(3):
        news.asked(request(user))
        news.computed(Computed(user, NONE, 0))
    news.tell(2)
    assert policy.order == ["asked 0", "computed 0", "asked 1", "computed 1"]
    assert news
    news.tell(2)
    assert policy.order[4:] == ["asked 2", "computed 2"]
    assert not news


def test_oldest_is_lost_when_nobody_has_time_to_tell() -> None:
    policy = Ordered()
    news = News(policy, limit=3)
    news.computed(Computed(9, NONE, 0))
    for user in range(5):
        news.asked(request(user))
    assert news.lost == 2
    news.tell()
    assert policy.order == ["asked 2", "asked 3", "asked 4"]
    assert not news
