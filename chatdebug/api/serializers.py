"""What the API says of runs and steps, and of the switches."""

from typing import Any

from rest_framework import serializers

from chatdebug.api.fields import StrictBooleanField, StrictIntegerField
from chatdebug.enums import ErrorKind, Outcome
from chatdebug.errors.verdict import verdict
from chatdebug.linter import LikelyCause, Side
from chatdebug.models import ChatRun, ChatStep
from chatdebug.models.retention import MAX_DAYS
from chatdebug.presentation.causes import LikelyCauses
from chatdebug.presentation.run_lines import RunLine
from chatdebug.services.known_health import Them, is_it_them

LARGEST_EXACT = 2**53
"""Beyond it a number of JSON is not exact in JavaScript."""


class MessageIdField(serializers.CharField):
    """The id of a message of the host project: a number if it is one, else text or null.

    Ids are stored as text, whatever the host project has; clients of one that counts its
    messages get the numbers that they know.
    """

    def to_representation(self, value: str) -> int | str | None:  # type: ignore[override]
        """Return the id as its project has it."""
        is_number = value.isascii() and value.isdecimal() and str(int(value)) == value
        if is_number and int(value) < LARGEST_EXACT:
            return int(value)
        return value or None


class RunSerializer(serializers.ModelSerializer[ChatRun]):
    """A run without its steps."""

    trigger_message_id = MessageIdField(read_only=True)
    history_tip_message_id = MessageIdField(read_only=True)
    title = serializers.SerializerMethodField(help_text="What failed, in one line.")
    error_kind = serializers.ChoiceField(
        ErrorKind.choices,
        allow_blank=True,
        read_only=True,
        help_text="The kind of its last error; empty for a run without one.",
    )
    outcome = serializers.ChoiceField(
        Outcome.choices, read_only=True, help_text="How it came out, for its readers."
    )
    group_fingerprint = serializers.CharField(
        read_only=True,
        help_text="The fingerprint of the group that counts its failure: its own, unless "
        "that was merged into another group.",
    )
    is_it_them = serializers.SerializerMethodField(
        help_text="Of a failed run: whether it is its model's alone or its provider's, by "
        "the calls of the last 15 minutes; null if that is not known."
    )

    def get_title(self, run: ChatRun) -> str:
        """Return what the Debug tab calls the run."""
        return RunLine(run).title

    def get_is_it_them(self, run: ChatRun) -> Them | None:
        """Return what is wrong with the provider; asks the database every few seconds."""
        if run.outcome is not Outcome.FAILED:
            return None
        is_known = run.error_kind in ErrorKind.values
        owner = verdict(ErrorKind(run.error_kind)).owner if is_known else ""
        return is_it_them(
            provider=run.provider,
            model=run.model,
            failed_at=run.finished_at,
            owner=owner,
            cause=str(run.told("error_cause") or ""),
        )

    class Meta:
        model = ChatRun
        fields: tuple[str, ...] = (
            "id",
            "title",
            "chat_id",
            "root_chat_id",
            "parent_chat_id",
            "model_config_id",
            "trigger_message_id",
            "history_tip_message_id",
            "kind",
            "level",
            "status",
            "outcome",
            "provider",
            "model",
            "error_kind",
            "fingerprint",
            "group_fingerprint",
            "similar_count",
            "is_it_them",
            "summary",
            "started_at",
            "updated_at",
            "finished_at",
        )
        read_only_fields: tuple[str, ...] = fields
        extra_kwargs = {
            "summary": {
                "help_text": "Counts, the last error, and of a run that was queued, in "
                "milliseconds, how long (`queue_ms`) and how long it then took to begin "
                "(`claim_ms`). `error_cause` is what the title calls the last error after, "
                "`likely_cause` the rule that found what its request was probably "
                "rejected for. Of how many calls nothing is kept is `unrecorded_count`; `answered_…` are "
                "of the attempt that went well after recorded ones: its number, when it "
                "began after the run, how long it took, until its first part. "
                "`interrupted_by` is `user` if that is known."
            }
        }


class CauseSerializer(serializers.Serializer[LikelyCause]):
    """What may have been wrong with a request."""

    rule = serializers.CharField(source="rule.id")
    sentence = serializers.CharField()
    remedy = serializers.CharField()
    side = serializers.ChoiceField(
        Side.choices,
        source="rule.side",
        help_text="Whether it is in the message, or in what this site sends with it.",
    )
    where = serializers.CharField(help_text="Empty for the request as a whole.")
    is_said = serializers.BooleanField(
        help_text="Whether the provider's own words say the same."
    )
    report = serializers.CharField(
        source="rule.source", help_text="Where somebody told of it in public."
    )


class LikelyCausesField(serializers.ListField):
    """The likely causes of a step's failure; null if no request was kept."""

    child = CauseSerializer()

    def get_attribute(self, instance: ChatStep) -> list[LikelyCause] | None:
        """Return them."""
        likely = LikelyCauses.of(instance)
        return None if likely is None else list(likely.causes)


class StepSerializer(serializers.ModelSerializer[ChatStep]):
    """A step with all that was recorded of it."""

    history_tip_message_id = MessageIdField(read_only=True)
    likely_causes = LikelyCausesField(
        read_only=True,
        allow_null=True,
        help_text="Of a failure, the likeliest first; empty if no rule found anything, "
        "null if nothing was kept of the request.",
    )

    class Meta:
        model = ChatStep
        fields = (
            "id",
            "chat_id",
            "step_number",
            "operation",
            "status",
            "history_tip_message_id",
            "normalized_request",
            "normalized_response",
            "usage",
            "attempts",
            "error",
            "likely_causes",
            "metadata",
            "started_at",
            "updated_at",
            "finished_at",
        )
        read_only_fields = fields
        extra_kwargs = {
            "attempts": {
                "help_text": "HTTP round trips, each with its `status`, who ended it "
                "(`ended_by`), its `connection` (opened, reused, not_opened), and in "
                "milliseconds from its start when it was connected, when head, first "
                "and last part of the response came, and when it ended."
            }
        }


class RunWithStepsSerializer(RunSerializer):
    """A run with its steps in order."""

    steps = StepSerializer(many=True, read_only=True)

    class Meta(RunSerializer.Meta):
        fields = (*RunSerializer.Meta.fields, "steps")
        read_only_fields = fields


class GateSerializer(serializers.Serializer[dict[str, Any]]):
    """The deployment's gate: whether people may opt in at all."""

    allow_users = StrictBooleanField()
    forced_by_deployment = serializers.BooleanField(
        read_only=True, help_text="The deployment records everything, whatever is set."
    )


class RetentionSerializer(serializers.Serializer[dict[str, Any]]):
    """How many days runs are kept; 0: for ever."""

    debug_retention_days = StrictIntegerField(min_value=0, max_value=MAX_DAYS)


class SwitchSerializer(serializers.Serializer[dict[str, Any]]):
    """A person's own opt-in, or the switch of one chat."""

    debug_logging_enabled = StrictBooleanField(
        help_text="As read: whether it is in force."
    )
    until = serializers.DateTimeField(
        read_only=True,
        allow_null=True,
        help_text="When full recording ends by itself; null if it does not.",
    )
    user_toggle_allowed = serializers.BooleanField(
        read_only=True, help_text="Whether setting it would change anything."
    )
    forced_by_deployment = serializers.BooleanField(
        read_only=True, help_text="The deployment records everything, whatever is set."
    )


class SelfTestSerializer(serializers.Serializer[dict[str, Any]]):
    """How redaction fares with made-up secrets, now."""

    tried = serializers.IntegerField()
    leaked = serializers.IntegerField(help_text="0, or redaction is broken.")


class ReceiptSerializer(serializers.Serializer[dict[str, Any]]):
    """What redaction had removed, and by which rules."""

    runs = serializers.IntegerField()
    removed = serializers.DictField(
        child=serializers.IntegerField(),
        help_text="How often each kind of secret had been removed.",
    )
    rules = serializers.CharField(help_text="The version of the rules.")
    canary = SelfTestSerializer()


class ModelHealthSerializer(serializers.Serializer[Any]):
    """The calls of one model within the last minutes."""

    name = serializers.CharField()
    calls = serializers.IntegerField()
    failed = serializers.IntegerField(help_text="By the provider, or on the way to it.")
    fails = serializers.BooleanField()


class ProviderHealthSerializer(serializers.Serializer[Any]):
    """How a provider's models do."""

    provider = serializers.CharField()
    is_down = serializers.BooleanField(help_text="Whether all of its models fail.")
    failing_since = serializers.DateTimeField(allow_null=True)
    status_page = serializers.CharField(help_text="Empty where none is known.")
    models = ModelHealthSerializer(many=True)


class HealthSerializer(serializers.Serializer[Any]):
    """How all providers do that were asked within the last minutes."""

    sentence = serializers.CharField(help_text="Empty while nothing is wrong.")
    providers = ProviderHealthSerializer(many=True)
