"""The gateway's own stages, from its `Server-Timing` header."""


def parse(header: str) -> dict[str, float]:
    """`queue;dur=0.1, cache;dur=0.4` as milliseconds by stage; entries without `dur` are left."""
    stages: dict[str, float] = {}
    for entry in header.split(","):
        name, *parameters = (part.strip() for part in entry.split(";"))
        for parameter in parameters:
            key, _, value = parameter.partition("=")
            if key.strip() == "dur":
                stages[name] = float(value.strip('" '))
    return stages
