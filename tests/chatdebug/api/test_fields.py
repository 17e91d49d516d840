"""A body is taken as it says, and guessed at in nothing; a form is text."""

from typing import Any

import pytest
from django.http import QueryDict
from rest_framework.exceptions import ValidationError

from chatdebug.api.fields import StrictCharField
from chatdebug.api.serializers import GateSerializer, RetentionSerializer


@pytest.mark.parametrize("value", [True, False])
def test_a_switch_is_true_or_false(value: bool) -> None:
    read = GateSerializer(data={"allow_users": value})
    assert read.is_valid()
    assert read.validated_data == {"allow_users": value}


@pytest.mark.parametrize("value", [0, 1, "true", "no", "", None, [], {}])
def test_what_only_stands_for_true_or_false_is_refused(value: Any) -> None:
    assert not GateSerializer(data={"allow_users": value}).is_valid()


@pytest.mark.parametrize(("value", "read"), [(0, 0), (7, 7), (7.0, 7)])
def test_a_number_of_days(value: float, read: int) -> None:
    days = RetentionSerializer(data={"debug_retention_days": value})
    assert days.is_valid()
    assert days.validated_data["debug_retention_days"] == read


@pytest.mark.parametrize("value", ["7", True, None, 7.5, float("inf"), [7], -1, 3651])
def test_what_is_no_number_of_days_is_refused(value: Any) -> None:
    assert not RetentionSerializer(data={"debug_retention_days": value}).is_valid()


@pytest.mark.parametrize("value", [0, 7.5, True, None, ["x"]])
def test_a_text_is_no_number(value: Any) -> None:
    with pytest.raises(ValidationError):
        StrictCharField().run_validation(value)


def test_a_form_is_read_as_the_framework_reads_it() -> None:
    gate = GateSerializer(data=QueryDict("allow_users=on"))
    assert gate.is_valid()
    assert gate.validated_data["allow_users"] is True
    days = RetentionSerializer(data=QueryDict("debug_retention_days=7"))
    assert days.is_valid()
    assert days.validated_data["debug_retention_days"] == 7
