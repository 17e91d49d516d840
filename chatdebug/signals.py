"""What the recorder tells a project's own code."""

from django.dispatch import Signal

alarm = Signal()
"""Alarms of one cause, for a target of the channel ``signal``.

``sender`` is the name of that target, ``alarm`` the document that a webhook would get: plain
data, without content. It is sent in a thread of the recorder, from one process of a
deployment; a receiver that raises keeps no other one from it.
"""
