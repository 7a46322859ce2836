"""What became of what a gateway sends off behind its answers."""

from prometheus_client import CollectorRegistry, Gauge

from server.collectors import Tally


class FeedMetrics:
    def __init__(self, registry: CollectorRegistry) -> None:
        self.demand = Tally(
            "understudy_demand_total", "Demand messages by what became of them", "outcome"
        )
        self.served = Tally(
            "understudy_served_total", "Answers kept for training by what became of them", "outcome"
        )
        self.mirrored = Tally(
            "understudy_mirrored_candidates_total",
            "Candidates looked up in a space to come: seen, held by the one that serves, ready",
            "standing",
        )
        for tally in (self.demand, self.served, self.mirrored):
            registry.register(tally)
        self.served_share = Gauge(
            "understudy_served_share", "Share of the answers that is kept for training",
            registry=registry,
        )  # fmt: skip
