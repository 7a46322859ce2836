"""Where the gateway's processor time goes, as docs/performance.md has it."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from tests.server.flame.stacks import Stack, by_stage, main_share, self_time, total

TOP: Final = 15


def as_markdown(stacks: Sequence[Stack], facts: Mapping[str, Any]) -> str:
    samples = total(stacks)
    stages = by_stage(stacks)
    return "\n".join(
        [
            f"{facts['date']}, {facts['hardware']}; {facts['load']}, {samples} samples; "
            f"`{facts['command']}`. The main thread has {main_share(stacks):.0%} of the samples; "
            f"of the processor time the kernel charges it with {facts['main_share']}.",
            "",
            "| stage | share of the samples |",
            "|---|---|",
            *(f"| {name} | {spent / samples:.1%} |" for name, spent in stages.items()),
            "",
            "| frame | self time |",
            "|---|---|",
            *(
                f"| `{frame.label}` | {spent / samples:.1%} |"
                for frame, spent in self_time(stacks).most_common(TOP)
            ),
            "",
            "![Stacks by samples, outermost below](flame.svg)",
        ]
    )
