"""A provider that chatd does not have: one module, and it is everywhere."""

from functools import partial
from pathlib import Path

import pytest
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from chatd.forms import ModelConfigForm
from chatd.llm import providers
from chatd.llm.providers import PROVIDERS, Provider, find_providers
from chatd.llm.providers.openai_compatible import compatible_model
from chatd.llm.wire.openai import OpenAIWire
from chatd.models import ModelConfig
from chatdebug.errors import add_provider, classify, provider_names
from tests.chatd.turns.site import answer, new_chat, run_on_site
from tests.factories import ModelConfigFactory, UserFactory
from tests.optional import present
from tests.replay import Replay
from tests.wire import response, whole_answer

MODULE = """
from chatd.llm.providers.openai import PROVIDERS as openai
from dataclasses import replace

PROVIDERS = [replace(openai[0], name="acme", label="Acme")]
"""


def acme(base_url: str) -> Provider:
    return Provider(
        name="acme",
        label="Acme",
        build_model=compatible_model,
        sdk="pydantic_ai.models.openai",
        wire=OpenAIWire,
        base_url=base_url,
        key_variable="ACME_API_KEY",
    )


def test_a_module_in_the_package_is_a_provider(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "acme.py").write_text(MODULE)
    monkeypatch.setattr(providers, "__path__", [*providers.__path__, str(tmp_path)])
    found = find_providers()
    assert list(found) == ["acme", *PROVIDERS]
    assert found["acme"].base_url == PROVIDERS["openai"].base_url


@pytest.mark.django_db
def test_it_can_be_chosen_and_needs_no_migration(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    config = ModelConfigFactory(provider="acme", model="m")
    with pytest.raises(ValidationError):
        config.full_clean()
    monkeypatch.setitem(PROVIDERS, "acme", acme("https://api.acme.example/v1"))
    config.full_clean()
    call_command("makemigrations", "--check", "--dry-run")
    fields = {"name": "acme", "provider": "acme", "model": "m", "position": 0}
    form = ModelConfigForm({**fields, "api_key_variable": "ACME_API_KEY"})
    assert form.is_valid(), form.errors
    assert form.instance.key_origin == "https://api.acme.example"


@pytest.mark.django_db(transaction=True)
def test_it_answers_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    async def body(replay: Replay) -> None:
        async with replay:
            await answer(chat)

    replay = Replay({"ok": whole_answer("openai")})
    monkeypatch.setitem(PROVIDERS, "acme", acme(replay.base_url("ok")))
    chat = new_chat("m", provider="acme")
    run_on_site(partial(body, replay))
    assert chat.messages.get(role="assistant").text == "Hello world"


@pytest.mark.django_db(transaction=True)
def test_its_failures_are_told_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provider_names, "PROVIDERS", dict(provider_names.PROVIDERS))
    monkeypatch.setattr(provider_names, "_added_hints", {})
    add_provider("acme", subject="Acme", mentions=("acme",))

    async def body(replay: Replay) -> None:
        async with replay:
            await answer(chat)

    refusal = response('{"error": {"message": "no"}}', status="401 Unauthorized")
    replay = Replay({"refused": [refusal]})
    monkeypatch.setitem(PROVIDERS, "acme", acme(replay.base_url("refused")))
    chat = new_chat("m", provider="acme")
    run_on_site(partial(body, replay))
    told = present(chat.turns.get().error)["message"]
    assert told == "Acme did not accept this site's API key (401)."
    overloaded = classify(RuntimeError("The Acme API is overloaded."))
    assert overloaded.message == "Acme is overloaded at the moment."


@pytest.mark.django_db(transaction=True)
def test_a_model_whose_provider_is_gone_fails_and_breaks_no_page(
    client: Client,
) -> None:
    chat = new_chat("m", provider="gone", owner=UserFactory())

    async def body() -> None:
        await answer(chat)

    run_on_site(body)
    assert present(chat.turns.get().error)["kind"] == "provider_disabled"
    client.force_login(chat.owner)
    assert client.get(reverse("chat", args=[chat.pk])).status_code == 200
    page = client.get(reverse("chat-list")).content.decode()
    assert '<optgroup label="gone">' in page
    assert ModelConfig.objects.get().is_demo is False
