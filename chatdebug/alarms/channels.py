"""How targets are told: each channel is a function that sends a document, or raises."""

from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec

from django.core.mail import EmailMessage, MailerDoesNotExist
from django.utils.translation import gettext

from chatdebug.alarms import webhook
from chatdebug.alarms.messages import Document, text_of
from chatdebug.alarms.webhook import NotDelivered
from chatdebug.enums import AlarmChannel
from chatdebug.logs import safe_logger
from chatdebug.models import AlarmTarget
from chatdebug.signals import alarm as alarm_signal

logger = safe_logger("chatdebug.alarms")

type Channel = Callable[[AlarmTarget, Document], None]


def send(target: AlarmTarget, document: Document) -> None:
    """Send a message to a target.

    Raises NotDelivered, or whatever a mail server, a network or Apprise comes to.
    """
    CHANNELS[AlarmChannel(target.channel)](target, document)


def reason_of(error: Exception) -> str:
    """Return why a target was not told. The texts of others may hold its secret."""
    return str(error) if isinstance(error, NotDelivered) else type(error).__name__


def has_apprise() -> bool:
    """Return whether the package is installed."""
    return find_spec("apprise") is not None


def takes(url: str) -> bool:
    """Return whether Apprise knows what to do with an address. Raises ImportError."""
    return bool(import_module("apprise").Apprise().add(url))


def _by_email(target: AlarmTarget, document: Document) -> None:
    subject = " ".join(document["subject"].split())  # of one line
    to = target.address.split()
    try:
        is_sent = EmailMessage(subject, text_of(document), to=to).send()
    except MailerDoesNotExist as error:
        words = gettext("This project has no mail server: the setting MAILERS.")
        raise NotDelivered(words) from error
    if not is_sent:
        raise NotDelivered(gettext("The mail server took no message."))


def _by_webhook(target: AlarmTarget, document: Document) -> None:
    webhook.post(target.address.strip(), key=target.secret, document=document)


def _by_apprise(target: AlarmTarget, document: Document) -> None:
    if not has_apprise():
        raise NotDelivered(gettext("The package “apprise” is not installed."))
    service = import_module("apprise").Apprise()
    if not service.add(target.secret):
        raise NotDelivered(gettext("Apprise does not know this kind of address."))
    if not service.notify(title=document["subject"], body=text_of(document)):
        raise NotDelivered(gettext("Apprise says that it was not delivered."))


def _by_signal(target: AlarmTarget, document: Document) -> None:
    answers = alarm_signal.send_robust(sender=target.name, alarm=document)
    if not answers:
        raise NotDelivered(gettext("No receiver is connected."))
    for receiver, answer in answers:
        if isinstance(answer, Exception):
            # The others have had it: telling all again would not help them.
            logger.warning("A receiver of alarms failed: %r", receiver, exc_info=answer)


CHANNELS: dict[AlarmChannel, Channel] = {
    AlarmChannel.EMAIL: _by_email,
    AlarmChannel.WEBHOOK: _by_webhook,
    AlarmChannel.APPRISE: _by_apprise,
    AlarmChannel.SIGNAL: _by_signal,
}
