"""What people can send to the pages."""

from collections.abc import Iterator
from itertools import groupby
from typing import Any

from django import forms
from django.forms.models import ModelChoiceIterator

from chatd.enums import Provider
from chatd.models import ModelConfig
from chatd.services.chats import MAX_TITLE_CHARACTERS

DEMO_NOTE = "not a language model"


class GroupedByProvider(ModelChoiceIterator):
    """Choices of models, grouped by provider for ``<optgroup>``."""

    def __iter__(self) -> Iterator[Any]:
        """Yield ``(provider, choices)``; the demo providers say what they are not."""
        models = sorted(
            self.queryset, key=lambda model: (model.is_demo, model.provider)
        )
        for provider, group in groupby(models, key=lambda model: model.provider):
            label = Provider(provider).label
            note = f" ({DEMO_NOTE})" if provider.startswith(Provider.DEMO) else ""
            yield f"{label}{note}", [self.choice(model) for model in group]


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
