from django.contrib import admin

from embeddings.admin import EmbeddedAdmin
from tests.testapp.models import Country, Note


@admin.register(Note, Country)
class EntityAdmin(EmbeddedAdmin, admin.ModelAdmin):
    pass
