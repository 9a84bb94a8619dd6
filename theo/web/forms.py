from django import forms

from embeddings.registering.registry import registry


def type_choices() -> list[tuple[str, str]]:
    return [("", "everything"), *((one.entity_type, str(one.model._meta.verbose_name_plural)) for one in registry)]


class SearchForm(forms.Form):
    q = forms.CharField(
        label="What are you looking for?",
        max_length=300,
        required=False,
        widget=forms.TextInput(attrs={"type": "search", "autofocus": True, "placeholder": "heart doctor, place to eat pasta, ..."}),
    )
    type = forms.ChoiceField(label="Among", required=False, choices=type_choices)

    @property
    def query(self) -> str:
        """What to search for; empty when nothing was asked or the form is not valid."""
        return self.cleaned_data.get("q", "") if self.is_valid() else ""

    @property
    def entity_types(self) -> list[str] | None:
        chosen = self.cleaned_data.get("type")
        return [chosen] if chosen else None
