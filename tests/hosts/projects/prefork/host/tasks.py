"""One task that asks a model."""

import os

from openai import OpenAI

import chatdebug
from host.celery import app

client = OpenAI(base_url=os.environ["PROVIDER"], api_key="unused", max_retries=0)

# What the recorder's readme says: once, before the workers are forked.
chatdebug.instrument_openai()


@app.task
@chatdebug.recorded(chat_id="chat_id", owner_id="owner_id")
def ask(chat_id: str, owner_id: int, model: str) -> str:
    """Return a model's text."""
    messages = [{"role": "user", "content": "Hello"}]
    answer = client.chat.completions.create(model=model, messages=messages)
    return answer.choices[0].message.content
