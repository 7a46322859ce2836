"""Which bundle a lane answers with, and what runs it."""

from collections.abc import Mapping

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
        self._told: dict[str, Mapping[str, Model]] = {}

    def tell(self, name: str, lanes: Mapping[str, Model]) -> None:
        """Of the model of that name, by lane: in place of what was told of it before."""
        for lane, model in self._told.pop(name, {}).items():
            self._bundle.remove(lane, name, model.version, _space(model))
            self._provider.remove(lane, model.version, model.provider)
        self._told[name] = dict(lanes)
        for lane, model in lanes.items():
            self._bundle.labels(lane, name, model.version, _space(model)).set(1)
            self._provider.labels(lane, model.version, model.provider).set(1)


def _space(model: Model) -> str:
    return model.manifest.reads_space or ""
