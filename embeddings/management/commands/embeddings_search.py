from typing import Any

from django.core.management.base import CommandError, CommandParser

from embeddings import EmbeddingsError, search
from embeddings.management.arguments import add_types, get_user
from embeddings.management.command import EmbeddingsCommand
from embeddings.management.reports import write_json
from embeddings.management.words import counted, plural
from embeddings.search.unembedded import count_unembedded
from queues.plain import plain_line


class Command(EmbeddingsCommand):
    help = "Searches what a user owns by meaning."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("query", help="what to look for, in words")
        parser.add_argument("--user", required=True, metavar="NAME", help="whose entities are searched")
        add_types(parser)
        parser.add_argument("--limit", type=int, default=10, help="most hits, from 1 to 100 (default 10)")
        parser.add_argument("--min-similarity", type=float, help="from -1 to 1 (default: the model's own)")
        parser.add_argument("--json", action="store_true", help="print the hits as JSON")

    def handle(
        self, *, query: str, user: str, entity_types: list[str] | None, limit: int, min_similarity: float | None, **options: Any
    ) -> None:
        try:
            owner = get_user(user)
            hits = search(owner, query, entity_types=entity_types, limit=limit, min_similarity=min_similarity)
        except EmbeddingsError as error:
            raise CommandError(str(error)) from error
        if options["json"]:
            names = ("entity_type", "entity_id", "similarity", "content", "chunk_index", "metadata")
            write_json(self.stdout, [{name: getattr(hit, name) for name in names} for hit in hits])
            return
        for hit in hits:
            self.stdout.write(f"{hit.similarity:.2f}  {hit.entity_type:10} {plain_line(hit.entity_id):>8}  {plain_line(hit.content, 90)}")
        if not hits:
            self.stdout.write("Nothing is similar enough. Try other words, or --min-similarity.")
            if waiting := count_unembedded(owner, entity_types=entity_types):
                self.stdout.write(
                    f"{counted(waiting, 'entity')} {plural(waiting, 'is')} not embedded yet: manage.py rqworker embeddings does that."
                )
