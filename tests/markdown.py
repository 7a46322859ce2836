"""What the guides hold: headings, links, names. `python -m tests.markdown` lists what leads out."""

import itertools
import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

ROOT: Final = Path(__file__).resolve().parents[1]
FENCE: Final = re.compile(r"^(```+|~~~+).*?^\1\s*$", re.MULTILINE | re.DOTALL)
LINK: Final = re.compile(r"!?\[(?:[^\[\]]|\[[^\]]*\])*\]\(<?([^()\s>]+)>?(?:\s+\"[^\"]*\")?\)")
BARE: Final = re.compile(r"<(https?://[^>\s]+)>")


class Block(NamedTuple):
    kind: str  # behind the fence: "sh", "json", or nothing
    text: str


def blocks(text: str) -> list[tuple[Block, Block]]:
    """Each fenced block, and the one behind it; behind the last is an empty one."""
    found = re.findall(r"^```(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return list(itertools.pairwise([*(Block(*each) for each in found), Block("", "")]))


class Link(NamedTuple):
    page: Path
    target: str

    @property
    def is_external(self) -> bool:
        return ":" in self.target.split("/")[0]

    @property
    def path(self) -> Path:
        """What it leads to, of this tree."""
        name = self.target.partition("#")[0]
        return (self.page.parent / name).resolve() if name else self.page

    @property
    def anchor(self) -> str:
        return self.target.partition("#")[2]


def pages() -> list[Path]:
    """All guides, none of which lies in a hidden or built folder."""
    folders = [ROOT, *(ROOT / name for name in ("docs", "helm"))]
    return sorted(
        {*folders[0].glob("*.md"), *(page for each in folders[1:] for page in each.rglob("*.md"))}
    )


def prose(page: Path) -> str:
    """Without blocks of code."""
    return FENCE.sub("", page.read_text(encoding="utf-8"))


def links(page: Path) -> list[Link]:
    text = re.sub(r"`[^`\n]*`", "", prose(page))
    return [Link(page, target) for target in LINK.findall(text) + BARE.findall(text)]


def anchors(page: Path) -> set[str]:
    """As GitHub makes them: https://docs.github.com, section links."""
    seen: Counter[str] = Counter()
    found = set()
    for heading in re.findall(r"^#{1,6}\s+(.+?)\s*#*$", prose(page), re.MULTILINE):
        slug = re.sub(r"[^\w\- ]", "", _spoken(heading).lower()).replace(" ", "-")
        found.add(f"{slug}-{seen[slug]}" if seen[slug] else slug)
        seen[slug] += 1
    return found


def reachable(first: Path) -> set[Path]:
    seen, waiting = {first}, [first]
    while waiting:
        found = {link.path for link in links(waiting.pop()) if not link.is_external}
        new = {path for path in found - seen if path.suffix == ".md" and path.is_file()}
        seen |= new
        waiting += new
    return seen


def external() -> Iterator[Link]:
    return (link for page in pages() for link in links(page) if link.is_external)


def _spoken(heading: str) -> str:
    return re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)


if __name__ == "__main__":
    for told in sorted({(link.target, str(link.page.relative_to(ROOT))) for link in external()}):
        sys.stdout.write(f"{told[0]}  ({told[1]})\n")
