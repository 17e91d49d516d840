"""People as this project has them."""

import uuid

from django.contrib.auth.models import AbstractUser
from django.db import models


class Person(AbstractUser):
    """A person with an id that nobody can guess."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
