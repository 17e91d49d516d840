"""Tells people what an operator has to know: what, to whom, once for a quiet time.

The writer's upkeep starts it in threads of its own, in one process of a deployment. Nothing
that is sent holds a word of a chat, or the id of a person.
"""
