"""How a call is made again, one module for each library and kind of call.

A generated test begins as one of them: its imports and its ``ask`` are copied, so that what
is played in a terminal and what is played in a test is the same.
"""
