import time
from typing import Any

from embeddings import Embeddable, register
from tests.testapp.models import Album, Article, Attachment, Car, Country, Document, Garage, Note, Song


@register(Note)
class NoteEmbeddable(Embeddable):
    entity_type = "note"
    owner = "author"
    fields = ("title", "body", "is_hidden")
    depends_on = {"shelf": ("name",), "shelf__room": ("name",)}

    def content(self, note: Note) -> str:
        if "unbuildable" in note.title:
            raise ValueError("this note has no content")
        if note.title.startswith("slow"):
            time.sleep(0.05)
        shelf = f"on the shelf {note.shelf.name}" if note.shelf else ""
        room = f"in the {note.shelf.room.name}" if note.shelf and note.shelf.room else ""
        return " ".join(part for part in (note.title, note.body, shelf, room) if part)

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


@register(Article)
class ArticleEmbeddable(Embeddable):
    entity_type = "article"
    owner = "author"
    fields = ("title",)
    depends_on = {"tags": ("name",), "comments": ("text",)}

    def content(self, article: Article) -> str:
        tags = sorted(tag.name for tag in article.tags.all())
        comments = sorted(comment.text for comment in article.comments.all())
        return " ".join([article.title, *tags, *comments])

    def should_embed(self, article: Article) -> bool:
        return article.deleted_at is None


@register(Attachment)
class AttachmentEmbeddable(Embeddable):
    entity_type = "attachment"
    owner = "article__author"
    fields = ("name",)

    def content(self, attachment: Attachment) -> str:
        return attachment.name


@register(Car)
class CarEmbeddable(Embeddable):
    entity_type = "car"
    fields = ("name", "doors")

    def content(self, car: Car) -> str:
        return f"{car.name} with {car.doors} doors"


@register(Garage)
class GarageEmbeddable(Embeddable):
    entity_type = "garage"
    depends_on = {"car": ("name", "doors"), "remarks": ("text",)}

    def content(self, garage: Garage) -> str:
        remarks = sorted(remark.text for remark in garage.remarks.all())
        return " ".join([f"a garage for {garage.car.name if garage.car else 'nothing'}", *remarks])


@register(Album)
class AlbumEmbeddable(Embeddable):
    entity_type = "album"
    fields = ("title",)
    depends_on = {
        "label": ("name",),
        "cover": ("motif",),
        "artists": ("name",),
        "similar": ("title",),
        "booklet": ("text",),
        "song__writer": ("name",),
    }

    def content(self, album: Album) -> str:
        parts = [album.title, album.label.name if album.label else "", album.cover.motif if album.cover else ""]
        parts += sorted(f"{member.artist.name}: {member.role}" for member in album.membership_set.all())
        parts += sorted(f"like {other.title}" for other in album.similar.all())
        parts += sorted(f"by {song.writer.name}" for song in album.song_set.all() if song.writer)
        parts += [album.booklet.text] if hasattr(album, "booklet") else []
        return " ".join(part for part in parts if part)


@register(Song)
class SongEmbeddable(Embeddable):
    entity_type = "song"
    owner = "album__user"
    fields = ("code",)

    def content(self, song: Song) -> str:
        return f"song {song.code}"
