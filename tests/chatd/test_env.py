"""Keys as people and platforms write them."""

from pathlib import Path

import pytest

from chatd.env import env, read_key

KEY = "sk-test-0123456789"
FORMS = [
    KEY,
    KEY + "\n",
    KEY + "\r\n",
    KEY + "\r",
    f"  {KEY}\t\n\n",
    "\ufeff" + KEY + "\n",
    f'"{KEY}"',
    f"'{KEY}'\n",
]


@pytest.mark.parametrize("written", FORMS, ids=repr)
def test_a_key_in_a_file_is_the_key_alone(
    written: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "key"
    file.write_bytes(written.encode())
    monkeypatch.setenv("A_KEY_FILE", str(file))
    assert read_key("A_KEY") == KEY


@pytest.mark.parametrize("written", FORMS, ids=repr)
def test_a_key_in_a_variable_is_the_key_alone(
    written: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("A_KEY", written)
    assert read_key("A_KEY") == KEY


@pytest.mark.parametrize("written", ["", "\n", " \r\n", '""'])
def test_an_empty_file_holds_no_key(
    written: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "key"
    file.write_text(written)
    monkeypatch.setenv("A_KEY_FILE", str(file))
    assert read_key("A_KEY") == ""


@pytest.mark.parametrize(
    "written", ["sk-abc\x07def", "sk-abc\ndef", "sk-abc def", "sk-“abc”", "sk-é"]
)
def test_what_no_header_can_carry_is_said_without_showing_it(
    written: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("A_KEY", written)
    with pytest.raises(ValueError, match="A_KEY") as caught:
        read_key("A_KEY")
    assert "sk-" not in str(caught.value)


def test_a_file_that_is_no_text_is_said_without_showing_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "key"
    file.write_bytes(KEY.encode("utf-16"))
    monkeypatch.setenv("A_KEY_FILE", str(file))
    with pytest.raises(ValueError, match="A_KEY"):
        read_key("A_KEY")


def test_any_value_of_a_file_is_read_without_its_newline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "secret"
    file.write_text("a secret\n")
    monkeypatch.setenv("A_SECRET_FILE", str(file))
    assert env.str("A_SECRET") == "a secret"
