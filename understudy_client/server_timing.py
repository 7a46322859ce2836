"""The gateway's own stages, from its `Server-Timing` header."""


def parse(header: str) -> dict[str, float]:
    """`queue;dur=0.1, cache;dur=0.4` as milliseconds by stage.

    An entry without a readable `dur` is left out: a proxy may add its own.
    """
    stages: dict[str, float] = {}
    for entry in header.split(","):
        name, *parameters = (part.strip() for part in entry.split(";"))
        for parameter in parameters:
            key, _, value = parameter.partition("=")
            if key.strip() == "dur" and (spent_ms := _number(value)) is not None:
                stages[name] = spent_ms
    return stages


def _number(text: str) -> float | None:
    try:
        return float(text.strip('" '))
    except ValueError:
        return None
