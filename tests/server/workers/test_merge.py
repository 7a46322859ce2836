from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_openmetrics
from prometheus_client.parser import text_string_to_metric_families

from server.exposition import OPENMETRICS
from server.workers.merge import merged
from server.workers.pages import Labelled


def registry_of(number: int) -> CollectorRegistry:
    registry = CollectorRegistry()
    answered = Counter("answered", 'With "quotes" and a \\', ["route"], registry=registry)
    answered.labels("/v1/rank").inc(number)
    answered.labels('odd "\n# HELP x').inc(1)
    Gauge("ready", "One line", registry=registry).set(number)
    seconds = Histogram("seconds", "Time", buckets=(1, 2), registry=registry)
    seconds.observe(number)
    if number == 2:
        Gauge("rare", "On one page alone", registry=registry).set(7)
    return registry


def page_of(number: int) -> bytes:
    return generate_latest(Labelled(registry_of(number), str(number)))


def families_of(page: bytes) -> dict[str, Metric]:
    found = list(text_string_to_metric_families(page.decode()))
    assert len({family.name for family in found}) == len(found)
    return {family.name: family for family in found}


def test_every_sample_of_every_page_is_there_once_under_its_family() -> None:
    together = families_of(merged([page_of(1), page_of(2), page_of(3)]))
    apart = [families_of(page_of(number)) for number in (1, 2, 3)]
    for name, family in together.items():
        pages = [families[name] for families in apart if name in families]
        assert family.samples == [sample for page in pages for sample in page.samples]
        assert {(page.type, page.documentation) for page in pages} == {
            (family.type, family.documentation)
        }
    assert together.keys() == {"answered", "ready", "seconds", "rare"}


def test_a_family_is_announced_once() -> None:
    page = merged([page_of(1), page_of(2)]).decode()
    assert page.count("# TYPE answered_total counter\n") == 1
    assert page.count("# TYPE ready gauge\nready{") == 1


def test_label_tells_workers_apart() -> None:
    [_, ready] = families_of(merged([page_of(1), page_of(2)]))["ready"].samples
    assert ready.labels == {"worker": "2"}


def test_one_page_alone_stays_as_it_is() -> None:
    assert merged([page_of(1)]) == page_of(1)
    assert merged([]) == b""


def test_pages_of_openmetrics_end_once() -> None:
    pages = [OPENMETRICS.write(Labelled(registry_of(number), str(number))) for number in (1, 2)]
    page = merged(pages)
    assert page.count(b"# EOF\n") == 1
    assert page.endswith(b"# EOF\n")
    families = read_openmetrics(page.decode())  # type: ignore[no-untyped-call]
    [family] = [each for each in families if each.name == "answered"]
    assert {sample.labels["worker"] for sample in family.samples} == {"1", "2"}
    assert merged(pages[:1]) == pages[0]
