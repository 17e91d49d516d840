"""What people can send to the pages, and staff to the admin."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import groupby
from typing import Any

from django import forms
from django.forms.models import ModelChoiceIterator

from chatd.llm.addresses import (
    AddressRefused,
    check_address,
    check_key_variable,
    origin_of,
)
from chatd.llm.providers import PROVIDERS
from chatd.models import MAX_TITLE_CHARACTERS, ModelConfig

DEMO_NOTE = "not a language model"


class GroupedByProvider(ModelChoiceIterator):
    """Choices of models, grouped by provider for ``<optgroup>``."""

    def __iter__(self) -> Iterator[Any]:
        """Yield ``(provider, choices)``; the demo providers say what they are not."""
        models = sorted(
            self.queryset, key=lambda model: (model.is_demo, model.provider)
        )
        for _, group in groupby(models, key=lambda model: model.provider):
            of_provider = list(group)
            label = of_provider[0].get_provider_display()
            note = f" ({DEMO_NOTE})" if of_provider[0].is_demo else ""
            yield f"{label}{note}", [self.choice(model) for model in of_provider]


class ModelField(forms.ModelChoiceField):
    """The model picker."""

    iterator = GroupedByProvider


class NewChatForm(forms.Form):
    """A new chat: its model, and its first message if there is one already."""

    model = ModelField(
        queryset=ModelConfig.objects.enabled(), to_field_name="name", empty_label=None
    )
    text = forms.CharField(
        required=False,
        strip=False,
        label="Message",
        widget=forms.Textarea(attrs={"rows": 3, "placeholder": "Write a message…"}),
    )


class TitleForm(forms.Form):
    """Another title for a chat."""

    title = forms.CharField(max_length=MAX_TITLE_CHARACTERS)


class ModelConfigForm(forms.ModelForm):
    """A model configuration, with the rules about addresses and keys.

    ``may_confirm`` says whether whoever fills it in may send a key to a new place.
    """

    may_confirm = False
    confirm_key = forms.BooleanField(
        required=False,
        label="Send the key there",
        help_text="Needed once for each key and host. Superusers only.",
    )

    class Meta:
        model = ModelConfig
        fields = (
            *("name", "title", "provider", "model", "base_url", "api_key_variable"),
            *("context_window", "evidence", "enabled", "position"),
        )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        # Whoever says nothing of it leaves it as it is: programs may know no such field.
        # Where it may only be read, it is not here.
        if "evidence" in self.fields:
            self.fields["evidence"].required = False

    def clean_evidence(self) -> str:
        """Return what failing calls may keep."""
        chosen: str = self.cleaned_data["evidence"] or self.instance.evidence
        return chosen

    def clean_base_url(self) -> str:
        """Return the address. Raises ValidationError for one that is not allowed."""
        base_url: str = self.cleaned_data["base_url"]
        with _as_validation_error():
            check_address(base_url)
        return base_url

    def clean_api_key_variable(self) -> str:
        """Return the variable's name. Raises ValidationError for one that is no key's."""
        name: str = self.cleaned_data["api_key_variable"]
        with _as_validation_error():
            check_key_variable(name)
        return name

    def clean(self) -> dict[str, Any]:
        """Bind the key to where it may go. Adds an error where nobody said it may."""
        cleaned: dict[str, Any] = super().clean() or {}
        name = cleaned.get("api_key_variable", "")
        if self.errors or not name:
            self.instance.key_origin = ""
            return cleaned
        provider = PROVIDERS[cleaned["provider"]]
        if provider.needs_base_url and not cleaned["base_url"]:
            self.add_error("base_url", f"The provider {provider.label} needs one.")
            return cleaned
        with _as_validation_error():
            origin = origin_of(provider.name, cleaned["base_url"])
        goes_to_its_provider = any(
            one.key_variable == name and origin_of(one.name, "") == origin
            for one in PROVIDERS.values()
        )
        known = ModelConfig.objects.filter(api_key_variable=name, key_origin=origin)
        confirmed = self.may_confirm and cleaned.get("confirm_key")
        if origin and not (confirmed or goes_to_its_provider or known.exists()):
            self.add_error(
                "confirm_key",
                f"The key in {name} has not been sent to {origin} so far. A superuser "
                "has to confirm that it may.",
            )
        self.instance.key_origin = origin
        return cleaned


@contextmanager
def _as_validation_error() -> Iterator[None]:
    try:
        yield
    except AddressRefused as error:
        raise forms.ValidationError(str(error)) from error
