"""A run as Markdown: the card's sentences, the evidence, and no markup but ours."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from chatdebug.enums import Level, Status
from chatdebug.exports.document import run_document
from chatdebug.exports.markdown import (
    document_markdown,
    escaped,
    fenced,
    run_markdown,
)
from chatdebug.exports.plain import plain
from chatdebug.exports.report import report
from chatdebug.exports.share_safe import share_safe
from chatdebug.models import ChatRun
from chatdebug.presentation.errors import ErrorReport
from tests.chatdebug.exports.samples import ERROR, attempt, full_run, full_step
from tests.factories import ChatRunFactory, ChatStepFactory

RENDERER = MarkdownIt("commonmark", {"html": True}).enable("table")
HOSTILE = [
    "<script>alert(1)</script>",
    "![x](https://x.example/y.png)",
    "[click](javascript:alert(1))",
    "a | b | c",
    "```\n# heading\n<img src=x onerror=alert(1)>\n```",
    "~~~~\n<b>bold</b>",
    "# no heading",
    "- no list\n1. nor this\n+ nor that",
    "**bold** __bold__ _it_ `code`",
    "&lt;script&gt; &#60;script&#62;",
    "<!-- comment",
    "a\n===\nb\n---",
    "    indented\n\ttabbed",
    "<https://x.example/>",
    "back\\slash \\<b>",
]


def rendered(text: str) -> str:
    html: str = RENDERER.render(text)
    return html


def words_of(html: str) -> str:
    """Return what a reader sees: no tags, entities resolved, blanks as one."""
    text = re.sub(r"<[^>]+>", "", html)
    for entity, sign in {"lt": "<", "gt": ">", "quot": '"', "amp": "&"}.items():
        text = text.replace(f"&{entity};", sign)
    return " ".join(text.split())


@pytest.mark.django_db
def test_a_report_has_the_cards_sentences_and_the_providers_words_as_a_quote() -> None:
    run = full_run()
    text = run_markdown(run, [full_step(run)])
    card = ErrorReport.of(ERROR)
    for said in (card.sentence, card.whose, card.advice):
        assert said in text
    assert "> The ballast of segment 3 does not match its envelope." in text
    assert text.startswith("# Request rejected · OpenAI 400\n")
    assert text.count("The ballast of segment 3 does not match its envelope.") == 1
    assert "✕ Failed · 1 step · 2 attempts · 3.2 s · 12 → 3 tok" in text
    assert f"| Run | {run.pk} |" in text
    assert "| Started | 2026-11-24 12:00:00 UTC |" in text


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"connection": "reused"}, "on a connection that was open already"),
        ({"connection": "not_opened"}, "no connection was opened"),
        ({"status": "cut_short"}, "cut_short by the other side"),
        ({"status": "failed", "ended_by": "time_limit"}, "failed by a time limit"),
        ({"status": "cancelled", "ended_by": "client"}, "by this side"),
    ],
)
def test_an_attempt_says_its_connection_and_who_ended_it(
    facts: dict[str, Any], said: str
) -> None:
    run = full_run()
    text = run_markdown(run, [full_step(run, attempts=[attempt(**facts)])])
    assert said in text


@pytest.mark.django_db
def test_attempts_are_a_table_and_payloads_are_fenced() -> None:
    run = full_run()
    text = run_markdown(run, [full_step(run)])
    assert (
        "| 2 | POST https://api.openai.com/v1/chat/completions | 400 "
        "| 12:00:00.100 → 12:00:00.600 | connected after 30 ms, head after 400 ms, "
        "first part after 410 ms, last part after 490 ms | http_error |"
    ) in text
    assert "| Of that in the queue | 1.2 s |" in text
    assert '**Request**\n\n```json\n{\n  "messages"' in text
    assert text.count('{"error":{"code":"ballast_mismatch"}}') == 2
    assert "shop/chat.py:12 answer" in text
    assert text.count("api.openai.com") == 2, "the attempts are there once"


@pytest.mark.django_db
def test_a_failed_run_says_how_its_answer_ended_and_how_often_it_was_tried() -> None:
    run = ChatRunFactory(summary={})
    error = {
        "kind": "timeout",
        "retry_count": 2,
        "response": {"closed_by": "provider"},
        "characters_received": 76,
    }
    text = run_markdown(run, [ChatStepFactory(run=run, error=error)])
    how = "was lost in the middle of the answer."
    assert text.index(how) < text.index("This site tried 3")


@pytest.mark.django_db
def test_a_recovered_run_says_so_and_what_was_repaired() -> None:
    run = ChatRunFactory(status=Status.COMPLETED, summary={})
    step = ChatStepFactory(
        run=run,
        status=Status.COMPLETED,
        error=None,
        metadata={"repaired_error": {**ERROR, "retry_count": 0}},
    )
    text = run_markdown(run, [step])
    assert "↻ Recovered" in text
    assert "Answered on attempt 2" in text
    assert "A later attempt repaired this error." in text


@pytest.mark.django_db
@pytest.mark.parametrize("hostile", HOSTILE)
def test_nothing_that_was_recorded_is_markup(hostile: str) -> None:
    run = full_run(model=hostile[:200], summary={"first_message": hostile})
    step = full_step(
        run,
        error={**ERROR, "detail": hostile, "type": hostile, "message": hostile},
        attempts=[attempt(url=hostile, error=hostile, response_body=hostile)],
        normalized_request={hostile: hostile},
        metadata={"notes": [hostile]},
    )
    html = rendered(run_markdown(run, [step]))
    plain_html = rendered(run_markdown(run, [full_step_like(step)]))
    tags = set(re.findall(r"</?([a-z0-9]+)", html))
    assert tags <= {
        *("h1", "h2", "h3", "p", "blockquote", "table", "thead", "tbody", "tr"),
        *("th", "td", "pre", "code", "strong"),
    }
    assert html.count("<tr>") == plain_html.count("<tr>")
    assert html.count("<h2>") == plain_html.count("<h2>")
    assert " ".join(hostile.split()) in words_of(html)


def full_step_like(step: Any) -> Any:
    """Return the same step with harmless words."""
    step.error = {**ERROR, "detail": "x", "type": "x", "message": "x"}
    step.attempts = [attempt(url="x", error="x", response_body="x")]
    step.normalized_request = {"x": "x"}
    step.metadata = {"notes": ["x"]}
    return step


@given(st.text(alphabet=st.sampled_from("`~<>[]()!*_-+=#|&\\.1a \n:;\"'"), max_size=40))
def test_an_escaped_text_is_one_paragraph_of_itself(text: str) -> None:
    html = rendered(f"x {escaped(' '.join(text.split()))}")
    assert set(re.findall(r"</?([a-z0-9]+)", html)) == {"p"}
    assert words_of(html) == " ".join(f"x {text}".split())


@given(st.text(alphabet=st.sampled_from("`~ \na"), max_size=60))
def test_a_fence_cannot_be_closed_from_inside(text: str) -> None:
    html = rendered(fenced(text, "text") + "\n\nafter")
    assert html.count("<pre>") == html.count("</pre>") == 1
    assert html.endswith("</pre>\n<p>after</p>\n")


@pytest.mark.django_db
def test_a_share_safe_report_says_how_long_the_words_were() -> None:
    run = full_run()
    document = share_safe(run_document(run, [full_step(run)]))
    text = document_markdown(document)
    assert "> \\[text of 53 characters\\]" in text
    assert "https://api.openai.com/…" in text
    assert "envelope" not in text


ODD_VALUES: list[Any] = [None, "odd", 7, ["odd"], {"odd": ["odd"]}, True, -1, 1e300]


@pytest.mark.django_db
@pytest.mark.parametrize("odd", ODD_VALUES, ids=repr)
def test_rows_of_any_shape_make_a_report(odd: Any) -> None:
    run = full_run(summary={"step_count": odd, "error_message": odd, "note": odd})
    shapes: list[dict[str, Any]] = [
        {"error": odd},
        {"error": dict.fromkeys(ERROR, odd)},
        {"error": {**ERROR, "chain": [odd], "frames": [odd, {"file": odd}]}},
        {"error": None, "metadata": {"repaired_error": odd, "notes": odd}},
        {"attempts": [odd, dict.fromkeys(attempt(), odd)]},
        {"attempts": [attempt(**{name: odd}) for name in attempt()]},
        {"normalized_request": odd, "normalized_response": odd, "usage": odd},
    ]
    for shape in shapes:
        step = full_step(ChatRunFactory())
        for column, value in shape.items():
            setattr(step, column, value)
        blocks = list(report(run_document(run, [step])))
        assert plain(blocks)
    run.summary = odd
    assert run_markdown(run, [])


@pytest.mark.django_db
def test_a_terminal_gets_no_control_characters() -> None:
    run = full_run(level=Level.ERRORS, summary={"error_message": "\x1b[2J\x07"})
    step = full_step(run, error={**ERROR, "detail": "\x1b]0;x\x07\u202e"})
    text = plain(report(run_document(run, [step])))
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", text)
    assert "\\u001b" in text
    assert ErrorReport.of(ERROR).sentence in text


@pytest.mark.django_db
def test_a_run_in_progress_is_reported_as_far_as_it_is() -> None:
    run = ChatRun.objects.create(chat_id="c", status=Status.IN_PROGRESS)
    assert "◌ Running" in run_markdown(run, [])
