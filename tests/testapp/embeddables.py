import time
from typing import Any

from embeddings import Embeddable, register
from tests.testapp.models import Country, Document, Note


@register(Note)
class NoteEmbeddable(Embeddable):
    entity_type = "note"
    owner = "author"
    fields = ("title", "body", "is_hidden")
    depends_on = {"shelf": ("name",)}

    def content(self, note: Note) -> str:
        if "unbuildable" in note.title:
            raise ValueError("this note has no content")
        if note.title.startswith("slow"):
            time.sleep(0.05)
        shelf = f"on the shelf {note.shelf.name}" if note.shelf else ""
        return " ".join(part for part in (note.title, note.body, shelf) if part)

    def should_embed(self, note: Note) -> bool:
        return not note.is_hidden

    def metadata(self, note: Note) -> dict[str, Any]:
        return {"title": note.title}


@register(Document)
class DocumentEmbeddable(Embeddable):
    entity_type = "document"

    def content(self, document: Document) -> str:
        return document.text


@register(Country)
class CountryEmbeddable(Embeddable):
    entity_type = "country"

    def content(self, country: Country) -> str:
        return country.name
