"""Models of the test application: every kind of key, an owner, a related row."""

import uuid

from django.conf import settings
from django.contrib.contenttypes.fields import GenericForeignKey, GenericRelation
from django.contrib.contenttypes.models import ContentType
from django.db import models


class Room(models.Model):
    name = models.CharField(max_length=100)


class Shelf(models.Model):
    name = models.CharField(max_length=100)
    color = models.CharField(max_length=20, default="white")
    room = models.ForeignKey(Room, on_delete=models.SET_NULL, null=True)


class Note(models.Model):
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True)
    shelf = models.ForeignKey(Shelf, on_delete=models.SET_NULL, null=True)
    title = models.CharField(max_length=200)
    body = models.TextField(blank=True, default="")
    views = models.IntegerField(default=0)
    is_hidden = models.BooleanField(default=False)


class Document(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    text = models.TextField()


class Country(models.Model):
    code = models.CharField(primary_key=True, max_length=2)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    name = models.CharField(max_length=100)


class PinnedNote(Note):
    """A proxy: its saves are saves of a note."""

    class Meta:
        proxy = True


class LongNote(Note):
    """A child with a table of its own: its saves are saves of a note too."""

    appendix = models.TextField(default="")


class Tag(models.Model):
    name = models.CharField(max_length=100)


class Article(models.Model):
    """Has many tags and comments, and a trash."""

    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    title = models.CharField(max_length=200)
    tags = models.ManyToManyField(Tag)
    deleted_at = models.DateTimeField(null=True)


class Comment(models.Model):
    article = models.ForeignKey(Article, on_delete=models.CASCADE, related_name="comments")
    text = models.TextField()


class Attachment(models.Model):
    """Belongs to whoever its article belongs to."""

    article = models.ForeignKey(Article, on_delete=models.CASCADE)
    name = models.CharField(max_length=100)


class Vehicle(models.Model):
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    name = models.CharField(max_length=100)


class Car(Vehicle):
    """A child with a table of its own, embedded itself."""

    doors = models.IntegerField(default=4)


class SportsCar(Car):
    """A child of a registered child, with a `save_base` of its own."""

    horsepower = models.IntegerField(default=300)

    def save_base(self, *args, **options):  # type: ignore[no-untyped-def]
        super().save_base(*args, **options)


class Truck(Vehicle):
    """Another child of the parent, not embedded."""


class Remark(models.Model):
    """Names whatever it is about by type and key."""

    content_type = models.ForeignKey(ContentType, on_delete=models.CASCADE)
    object_id = models.PositiveIntegerField()
    about = GenericForeignKey()
    text = models.TextField()


class Garage(models.Model):
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    car = models.ForeignKey(Car, on_delete=models.SET_NULL, null=True)
    remarks = GenericRelation(Remark)


class Artist(models.Model):
    name = models.CharField(max_length=100)
    born = models.IntegerField(default=1970)


class Label(models.Model):
    code = models.CharField(max_length=10, unique=True)
    name = models.CharField(max_length=100)


class Cover(models.Model):
    motif = models.CharField(max_length=100)


class Album(models.Model):
    """Relations of every kind, and a UUID as its key."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    title = models.CharField(max_length=100)
    label = models.ForeignKey(Label, to_field="code", on_delete=models.SET_NULL, null=True)
    cover = models.OneToOneField(Cover, on_delete=models.SET_NULL, null=True)
    artists = models.ManyToManyField(Artist, through="Membership")
    similar = models.ManyToManyField("self")


class Membership(models.Model):
    album = models.ForeignKey(Album, on_delete=models.CASCADE)
    artist = models.ForeignKey(Artist, on_delete=models.CASCADE)
    role = models.CharField(max_length=100)


class Booklet(models.Model):
    album = models.OneToOneField(Album, on_delete=models.CASCADE, null=True)
    text = models.TextField()


class Song(models.Model):
    """A string as its key, and its album's owner."""

    code = models.CharField(primary_key=True, max_length=20)
    album = models.ForeignKey(Album, on_delete=models.CASCADE)
    writer = models.ForeignKey(Artist, on_delete=models.SET_NULL, null=True)
