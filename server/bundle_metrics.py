"""Which bundle a lane answers with, and what runs it."""

from prometheus_client import CollectorRegistry, Gauge

from models.runtime import Model


class BundleMetrics:
    def __init__(self, registry: CollectorRegistry) -> None:
        self._bundle = Gauge(
            "understudy_bundle_info", "1 for the bundle of a lane",
            ["lane", "model", "version", "space"], registry=registry,
        )  # fmt: skip
        self._provider = Gauge(
            "understudy_provider_info", "1 for what runs the bundle of a lane in this process",
            ["lane", "version", "provider"], registry=registry,
        )  # fmt: skip

    def tell(self, lane: str, model: Model) -> None:
        """In place of what was told before."""
        manifest, version = model.manifest, model.version
        self._bundle.clear()
        self._bundle.labels(lane, manifest.name, version, manifest.reads_space or "").set(1)
        self._provider.clear()
        self._provider.labels(lane, version, model.provider).set(1)
