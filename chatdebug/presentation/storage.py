"""How much is stored, how old it is, and until when it stays, in words."""

from dataclasses import dataclass
from typing import Self

from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext

from chatdebug.services.storage import Storage, stored


@dataclass(frozen=True, slots=True)
class Stored:
    """What is stored at the moment, for operators."""

    storage: Storage

    @classmethod
    def read(cls) -> Self:
        """Read it, at the same cost however much it is. Raises django.db.Error."""
        return cls(stored())

    @property
    def size(self) -> str:
        """How much it is."""
        if self.storage.size is None:
            return gettext("The database does not say how much is stored.")
        size = filesizeformat(self.storage.size)
        if self.storage.is_whole_database:
            return gettext("The database has %s, other tables included.") % size
        return gettext("The recorder's tables have %s.") % size
