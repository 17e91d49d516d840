"""What providers really send, made into what their protocol says they send.

The SDKs trust what they read: one event without data, or a connection that is reset after
the last word, costs a whole answer. Everything that is read of a stream passes here first.
"""
