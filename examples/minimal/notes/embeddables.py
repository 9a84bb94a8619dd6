from embeddings import Embeddable, register
from notes.models import Note


@register(Note)
class NoteEmbeddable(Embeddable):
    entity_type = "note"
    owner = "author"

    def content(self, note: Note) -> str:
        return f"{note.title}. {note.body}"
