"""Is it them? The sentence, the numbers behind it, and the rule."""

from datetime import datetime, timedelta

import pytest
from django.conf import LazySettings
from django.utils import timezone
from django.utils.formats import date_format

from chatdebug.formats import local
from chatdebug.services.health import LEAST_CALLS, WINDOW, Health
from chatdebug.services.known_health import forget_health, provider_health
from tests.factories import CallMinuteFactory
from tests.statements import collected_statements

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)


def now() -> datetime:
    return timezone.now().replace(second=0, microsecond=0)


def calls(
    model: str = "gpt-5",
    provider: str = "openai",
    *,
    failed: int = 0,
    ok: int = 0,
    ago: int = 0,
) -> None:
    CallMinuteFactory(
        minute=now() - ago * MINUTE,
        provider=provider,
        model=model,
        calls=failed + ok,
        failed=failed,
    )


def health() -> Health:
    forget_health()
    return provider_health()


def time_of(moment: datetime) -> str:
    is_today = local(moment).date() == local(timezone.now()).date()
    return date_format(local(moment), "H:i" if is_today else "DATETIME_FORMAT")


def test_nothing_is_said_while_all_is_well() -> None:
    assert health().sentence == ""
    calls(ok=20, failed=2)
    assert health().sentence == ""
    assert health().of("openai") is None


def test_all_models_of_a_provider_fail_and_other_providers_do_not() -> None:
    for model in ("gpt-5", "gpt-5-mini", "gpt-4o"):
        calls(model, failed=4, ago=3)
    calls("claude", "anthropic", ok=9)
    since = time_of(now() - 3 * MINUTE)
    assert health().sentence == (
        f"All 3 models of OpenAI have been failing since {since}; other providers have not."
    )
    down = health().of("openai")
    assert down is not None
    assert (down.calls, down.failed, down.is_down) == (12, 12, True)
    assert down.status_page == "https://status.openai.com/"


def test_a_single_answer_of_another_model_shows_that_a_provider_is_up() -> None:
    calls("gpt-5", failed=4, ago=3)
    calls("gpt-4o", ok=1)
    since = time_of(now() - 3 * MINUTE)
    assert health().sentence == (
        f"gpt-5 of OpenAI has been failing since {since}, its other models have not."
    )


def test_the_only_model_of_the_only_provider_fails() -> None:
    calls(failed=4)
    assert health().sentence == (
        f"gpt-5 of OpenAI has been failing since {time_of(now())}; no other provider was "
        "asked."
    )


def test_one_model_of_several_fails() -> None:
    calls("gpt-5", failed=4)
    calls("gpt-5-mini", ok=9)
    assert health().sentence == (
        f"gpt-5 of OpenAI has been failing since {time_of(now())}, its other models have "
        "not."
    )


def test_some_models_of_several_fail() -> None:
    for model in ("gpt-5", "gpt-4o"):
        calls(model, failed=4)
    calls("gpt-5-mini", ok=9)
    assert health().sentence == (
        f"2 of 3 models of OpenAI have been failing since {time_of(now())}."
    )


def test_if_all_providers_fail_it_is_rather_this_sites_network() -> None:
    calls(failed=4, ago=2)
    calls("claude", "anthropic", failed=4, ago=5)
    assert health().sentence.startswith(
        f"All 2 providers that were asked have been failing since {time_of(now() - 5 * MINUTE)}: "
    )


def test_few_calls_say_nothing() -> None:
    calls(failed=LEAST_CALLS - 1)
    assert health().sentence == ""


def test_half_of_the_calls_are_enough_and_less_are_not() -> None:
    calls("gpt-5", failed=5, ok=5)
    calls("gpt-4o", failed=4, ok=5)
    (provider,) = health().providers
    assert [model.name for model in provider.failing] == ["gpt-5"]


def test_what_is_longer_ago_does_not_count() -> None:
    calls(failed=9, ago=int(WINDOW / MINUTE) + 1)
    assert health().providers == []


def test_a_single_good_minute_does_not_end_an_outage_and_two_do() -> None:
    calls(failed=9, ago=30)
    for ago in (20, 19):
        calls(ok=9, ago=ago)
    for ago in (12, 9, 1):
        calls(failed=9, ago=ago)
    calls(ok=2, ago=10)
    down = health().of("openai")
    assert down is not None
    assert down.failing_since == now() - 12 * MINUTE


def test_the_answer_is_kept_for_some_seconds() -> None:
    calls(failed=4)
    assert health().sentence
    with collected_statements() as statements:
        assert provider_health().sentence
    assert statements == []


def test_it_costs_two_statements_however_many_models_there_are() -> None:
    for number in range(20):
        for ago in range(5):
            calls(f"gpt-{number}", failed=4, ago=ago)
    with collected_statements() as statements:
        assert health().sentence.startswith("All 20 models of OpenAI have been failing")
    assert len(statements) == 2


def test_a_project_without_time_zones_asks_too(settings: LazySettings) -> None:
    settings.USE_TZ = False
    calls(failed=4)
    assert health().sentence.startswith("gpt-5 of OpenAI has been failing since ")


def test_a_provider_or_model_without_a_name_has_words() -> None:
    calls("", "", failed=4)
    assert health().sentence.startswith(
        "A model of the AI provider has been failing since "
    )


def test_a_deployment_names_status_pages(settings: LazySettings) -> None:
    pages = {"ours": "https://status.example.org/", "openai": "https://o.example.org/"}
    settings.CHATDEBUG = {**settings.CHATDEBUG, "STATUS_PAGES": pages}
    for provider in ("ours", "openai", "anthropic", "other"):
        calls(provider=provider, failed=4)
    assert {one.provider: one.status_page for one in health().failing} == {
        **pages,
        "anthropic": "https://status.anthropic.com/",
        "other": "",
    }
