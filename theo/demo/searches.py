"""Searches that show what is found by meaning: hardly a word that is asked for stands in the hits."""

from dataclasses import dataclass

from embeddings import search

HITS = 2
EXPECTED = {
    "heart doctor": "Dr. Eva Nagy",
    "place to eat pasta": "Trattoria Nonna Lucia",
}
QUERIES = [*EXPECTED, "teeth check", "somebody to repair the water pipe", "what costs money if I forget it", "live music"]


@dataclass(frozen=True, kw_only=True)
class Found:
    query: str
    titles: tuple[str, ...]
    lines: tuple[str, ...]

    @property
    def is_as_expected(self) -> bool:
        return self.query not in EXPECTED or self.titles[:1] == (EXPECTED[self.query],)


def run_searches(user) -> list[Found]:
    return [_run(user, query) for query in QUERIES]


def _run(user, query: str) -> Found:
    results = search(user, query, limit=HITS)
    titles = tuple(str(result.entity) for result in results)
    lines = tuple(f"{result.similarity:.2f}  {result.entity_type:<9} {title}" for result, title in zip(results, titles, strict=True))
    return Found(query=query, titles=titles, lines=lines)


def build_table(found: list[Found]) -> str:
    width = max(len(one.query) for one in found)
    rows = []
    for one in found:
        first, *others = one.lines or ("nothing",)
        rows += [f"  {one.query:<{width}}  {first}", *(f"  {'':<{width}}  {line}" for line in others)]
    return "\n".join(rows)
