"""What the pages ask for."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth import get_user_model
from django.utils.translation import gettext_lazy as _

from embeddings.conf import settings
from embeddings.registering.registry import registry
from embeddings.search.request import MAX_LIMIT


class SearchForm(forms.Form):
    """A search as somebody: without `may_choose` as the `searcher` alone, whatever is posted."""

    query = forms.CharField(label=_("What to look for"), max_length=10_000, widget=forms.TextInput(attrs={"type": "search", "size": 60}))
    user = forms.CharField(label=_("As the user"), max_length=255, help_text=_("Only what is this user's is found."))
    entity_types = forms.MultipleChoiceField(label=_("Of the types"), required=False, widget=forms.CheckboxSelectMultiple)
    database = forms.ChoiceField(label=_("In the database"))
    limit = forms.IntegerField(label=_("At most"), min_value=1, max_value=MAX_LIMIT, initial=10)
    min_similarity = forms.FloatField(
        label=_("Similarity at least"),
        required=False,
        min_value=-1,
        max_value=1,
        widget=forms.NumberInput(attrs={"step": "0.01"}),
        help_text=_("From -1 to 1; empty: what the model is calibrated to. With -1 everything comes, with its score."),
    )

    def __init__(self, *args: Any, searcher: Any, may_choose: bool, **options: Any) -> None:
        options["initial"] = {"user": searcher.get_username(), **(options.get("initial") or {})}
        super().__init__(*args, **options)
        self.fields["entity_types"].choices = [(each.entity_type, each.entity_type) for each in registry]  # type: ignore[attr-defined]
        self.fields["database"].choices = [(alias, alias) for alias in settings.databases]  # type: ignore[attr-defined]
        if len(settings.databases) == 1:
            del self.fields["database"]
        self.searcher = searcher
        if not may_choose:
            self.initial["user"] = searcher.get_username()
            self.fields["user"].disabled = True

    def clean_user(self) -> Any:
        """The user of that name."""
        name = self.cleaned_data["user"]
        if name == self.searcher.get_username():
            return self.searcher
        try:
            return get_user_model()._default_manager.get_by_natural_key(name)
        except get_user_model().DoesNotExist:
            raise forms.ValidationError(_("There is no user %(name)s."), params={"name": name}) from None
        except ValueError as error:  # no name that the database could hold
            raise forms.ValidationError(str(error)) from error


class RetryForm(forms.Form):
    """What is to be taken up again of what is parked: all of a type, one entity, or what has a text in its reason."""

    database = forms.ChoiceField()
    entity_type = forms.CharField(required=False, max_length=100)
    entity_id = forms.CharField(required=False, max_length=255)
    error = forms.CharField(required=False, max_length=500)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["database"].choices = [(alias, alias) for alias in settings.databases]  # type: ignore[attr-defined]

    def chosen(self) -> dict[str, Any]:
        """As `retry_parked` takes it."""
        found = self.cleaned_data
        return {
            "using": found["database"],
            "entity_type": found["entity_type"] or None,
            "entity_ids": [found["entity_id"]] if found["entity_id"] else None,
            "error": found["error"],
        }
