"""What those who run a site are told of failures: whose they are, and where to look."""

from django.utils.translation import gettext_lazy as _

from chatdebug.errors.provider_names import inside_of_sentence
from chatdebug.errors.sentences import WORDS, Cause, Owner

OF_OWNERS = {
    Owner.PROVIDER: _(
        "The fault is on the side of {provider}. There is nothing to change here; what "
        "{provider} says of its own state is worth a look."
    ),
    Owner.NETWORK: _(
        "The fault is between this site and {provider}: look at proxies, DNS and "
        "firewalls, then at what {provider} says of its own state."
    ),
    Owner.SETTINGS: _("The cause is in this site's settings of the model."),
    Owner.REQUEST: _(
        "The cause is in what was sent: compare a stored run with another."
    ),
    Owner.SITE: _(
        "The cause is this site's own code or what it sends: a stored run says where."
    ),
    Owner.UNKNOWN: _("Nothing tells whose fault it is: a stored run has the evidence."),
}
OF_CAUSES = {
    Cause.RATE_LIMIT: _(
        "The cause is this site's share of what {provider} allows: ask less often, or for "
        "a larger share."
    ),
    Cause.USAGE_LIMIT: _(
        "The cause is this site's share of what {provider} allows: check budget and "
        "billing."
    ),
    Cause.KEY: _(
        "The cause is the key that is set up: correct or replace it, or change what it may "
        "do."
    ),
    Cause.PERMISSION: _("The cause is what the key that is set up may do."),
    Cause.MISSING_KEY: _("Set the environment variable of the key."),
    Cause.DISABLED: _("Somebody switched the provider off."),
    Cause.TOO_LONG: _(
        "Chats are longer than the model takes: offer one that takes more, or send less "
        "of what was said before."
    ),
    Cause.REJECTED: _(
        "The cause is what people wrote, or what this site sends with it; the answer does "
        "not tell which. Compare a stored run with one that went well."
    ),
    Cause.REJECTED_FILE: _("The cause is an image or another file that people sent."),
    Cause.REQUEST_BLOCKED: _("The cause is what people wrote."),
    Cause.ANSWER_BLOCKED: _("The cause is what the model was about to say."),
}


def told_to_operators(cause: Cause, provider: str) -> str:
    """Return whose failures of a cause are and where to look; ``provider`` by its id."""
    words = OF_CAUSES.get(cause) or OF_OWNERS[WORDS[cause].owner]
    said = str(words).format(provider=inside_of_sentence(provider))
    return said[:1].upper() + said[1:]
