"""Whether what one person opens holds up the others: /healthz, asked meanwhile.

One answer of 1 MB, and a chat of 5,000 messages, opened again and again; nothing is kept of
the HTML of the first opening, so that each one is the dearest.
"""

import asyncio
import sys
from statistics import quantiles
from time import perf_counter
from unittest.mock import patch

from django.db import connections

from chatd import markdown
from chatd.asgi import web_application
from chatd.enums import Role, TurnStatus
from chatd.markdown import RenderedTexts
from chatd.models import Chat, ChatMessage, Turn
from tests.benchmarks.database import bench_database
from tests.chatd.views.test_streams import session_of
from tests.factories import ChatFactory, TurnFactory
from tests.serving import serving

ASKED = 200  # times for each row
PAUSE = 0.01  # seconds between two questions
LIMIT_MS = 100
PARAGRAPH = "Some words of **prose** with `code` and [a link](https://a.example). " * 8


def main() -> None:
    """Print the time that /healthz takes, and its ratio to an idle site."""
    with bench_database():
        rows = {
            "idle": None,
            "an answer of 1 MB": _long_answer(),
            "a chat of 5,000 messages": _long_chat(),
        }
        vendor = connections["default"].vendor
        _say(f"/healthz on {vendor} while pages are opened, ms ({ASKED} times)")
        _say(f"{'opened':28}{'p50':>8}{'p99':>8}{'x idle':>8}{'page s':>8}")
        asyncio.run(_measure(rows))


async def _measure(rows: dict[str, Chat | None]) -> None:
    idle = 0.0
    async with serving(web_application) as port:
        for name, chat in rows.items():
            times, pages = await _row(port, chat)
            marks = quantiles(times, n=100)
            idle = idle or marks[98]
            page = f"{sum(pages) / len(pages):.2f}" if pages else ""
            verdict = "" if marks[98] < LIMIT_MS else f"  over {LIMIT_MS}"
            ratio = f"{marks[98] / idle:.1f}"
            _say(
                f"{name:28}{marks[49]:8.1f}{marks[98]:8.1f}{ratio:>8}{page:>8}{verdict}"
            )


async def _row(port: int, chat: Chat | None) -> tuple[list[float], list[float]]:
    pages: list[float] = []
    opening = asyncio.create_task(_open_pages(port, chat, pages)) if chat else None
    times: list[float] = []
    for _ in range(ASKED):
        times.append(1_000 * await _get(port, "/healthz", ""))
        await asyncio.sleep(PAUSE)
    if opening is not None:
        opening.cancel()
        await asyncio.wait({opening})
    return times, pages


async def _open_pages(port: int, chat: Chat, pages: list[float]) -> None:
    cookie = f"sessionid={await asyncio.to_thread(session_of, chat.owner)}"
    while True:
        with patch.object(markdown, "_cache", RenderedTexts()):
            pages.append(await _get(port, f"/chats/{chat.pk}/", cookie))


async def _get(port: int, address: str, cookie: str) -> float:
    """GET an address, and return the seconds until its last byte."""
    started = perf_counter()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = f"GET {address} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
    writer.write(f"{head}Cookie: {cookie}\r\n\r\n".encode())
    answer = await reader.read()
    assert b" 200 OK" in answer[:20], answer[:200]
    writer.close()
    return perf_counter() - started


def _long_answer() -> Chat:
    chat: Chat = ChatFactory()
    turn = TurnFactory(chat=chat)
    text = f"{PARAGRAPH}\n\n" * (1_000_000 // len(PARAGRAPH))
    ChatMessage.objects.create(chat=chat, turn=turn, role=Role.ASSISTANT, text=text)
    return chat


def _long_chat() -> Chat:
    chat: Chat = ChatFactory()
    turns = [Turn(chat=chat, status=TurnStatus.COMPLETED) for _ in range(2_500)]
    Turn.objects.bulk_create(turns)
    texts = {Role.USER: "What is a ballast?", Role.ASSISTANT: PARAGRAPH}
    ChatMessage.objects.bulk_create(
        ChatMessage(chat=chat, turn=turn, role=role, text=text)
        for turn in turns
        for role, text in texts.items()
    )
    return chat


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
