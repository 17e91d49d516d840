"""What the demo models say."""

QUOTE_CHARACTERS = 300

_SHORT_ANSWER = """\
This is the demo provider, not a language model. You wrote: {quote}

It cannot think about that, but it shows what a streamed answer looks like:

- **Words arrive one by one**, over the same protocol that a real provider speaks.
- **Stop** ends the answer and keeps the part that has arrived.
- **Reload the page** in the middle, and the answer goes on where it was.

To see a turn fail, pick a model whose name begins with `fault-`. Tests use the same models:

```python
async with DemoProvider(word_delay=0) as provider:
    client = AsyncOpenAI(base_url=provider.openai_base_url, api_key="unused")
```

For real answers, ask an administrator to add a model with a key of its own.
"""

LONG_ANSWER = """\
This is the demo provider, not a language model. A long answer is useful to try Stop, a
reload in the middle, and scrolling while words arrive. So here is how the answer that you
are reading gets to you.

## From your message to the model

When you send a message, the site writes it to the database together with a **turn**: the
work from one message to its answer. The request that carried your message ends there. It
never waits for the model, so a closed laptop or a lost connection cannot take the turn
with it.

A runner then claims the turn. It reads the history of the chat, calls the model, and
takes in the answer part by part. Several things can happen on the way:

1. The provider refuses. Some refusals pass by themselves, for example when it is
   overloaded; the runner waits and tries again, and the chat shows when.
2. The connection breaks in the middle. The part that has arrived is kept and shown, with
   a note that says why there is no more.
3. You press Stop. The runner ends the provider's connection at once and keeps the part.

## From the model to your screen

The runner puts the parts on a bus. Each has a number. Your browser listens to the stream
of the turn and remembers the number that it has seen last. If you reload the page, or come
back on another device, it asks for everything after that number, gets what it missed, and
then the live rest. Any number of people may watch; none of them owns the turn.

```text
message -> turn -> runner -> model
                     |
                     +-> bus -> every browser that watches
```

When the answer is complete, the runner writes it to the database in one short transaction,
and only then is the turn called completed. Until that moment nothing is promised.

## When something fails that nobody has seen before

Most errors are of a known kind: a rejected key, a limit, a model that does not exist. The
chat says so in plain words, and there is nothing to look into. **The interesting ones are
the others.** For them a flight recorder runs along. While all goes well it keeps nothing.
When a call fails with an error of no known kind, it writes down what is needed to find the
cause: the error with its chain of causes, the place in the code, the provider's request
id, how long it took, and how much had arrived before.

It does not write down what you said. That happens only when debug logging is on for this
chat, which you can see in its Debug tab. Secrets are removed in either case, before
anything is stored.

Try it: pick `fault-400`, send any message, and open the Debug tab that appears. Then pick
`fault-401`, and see that no tab does. That is the whole idea: **evidence when it is needed,
and nothing otherwise.**
"""


def short_answer(prompt: str) -> str:
    """Return the answer to a prompt; of a long one only its first words are repeated."""
    quote = " ".join(prompt.split())
    if len(quote) > QUOTE_CHARACTERS:
        quote = quote[:QUOTE_CHARACTERS].rstrip() + "…"
    return _SHORT_ANSWER.format(quote=quote or "nothing")
