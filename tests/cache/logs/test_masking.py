import time

import pytest

from cache.logs.masking import Mask, secrets_of

HIDDEN = [
    ("redis://user:secret@host:6379/0", "redis://***@host:6379/0"),
    ("redis+cluster://:p%40ss@a:1,b:2", "redis+cluster://***@a:1,b:2"),
    ("rediss://u:with@sign@host", "rediss://***@host"),
    ("Authorization: Bearer abc-def", "Authorization: Bearer ***"),
    ("x-auth: basic dXNlcjpwYXNz, y", "x-auth: basic ***, y"),
    ("redis+sentinel://a/s?sentinel_password=abc&db=1", "redis+sentinel://a/s?sentinel_password=***&db=1"),
    ("UNDERSTUDY_ADMIN_TOKEN=abc", "UNDERSTUDY_ADMIN_TOKEN=***"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "shown"), HIDDEN)
def test_what_stands_where_secrets_do_is_hidden(text: str, shown: str) -> None:
    assert Mask()(text) == shown


@pytest.mark.parametrize(
    "text",
    ["http://host:80/path", "mail a@b.org", "the bearer's token", "token 17 of shard 3",
     "unix:///run/valkey.sock", "see https://x.org and write to a@b.org"],
)  # fmt: skip
def test_plain_words_stay(text: str) -> None:
    assert Mask()(text) == text


@pytest.mark.parametrize(
    "part", ["a", "token", "://", "basic ", "bearer\t", "password=", "user:pass@", "=", " "]
)
def test_long_text_takes_a_time_in_proportion(part: str) -> None:
    began_s = time.process_time()
    Mask(["hunter2-hunter2"])(part * (100_000 // len(part)))
    assert time.process_time() - began_s < 1.0


def test_given_secret_is_hidden_anywhere_the_longest_first() -> None:
    mask = Mask(["secret-1", "secret-1-and-more", "abc"])
    assert mask("a secret-1-and-more of secret-1, abc") == "a *** of ***, abc"


def test_secrets_of_a_url_are_its_passwords_as_written_and_as_meant() -> None:
    told = secrets_of("redis+sentinel://u:p%2Fq@h/s?sentinel_password=deep&socket_timeout=1")
    assert set(told) == {"p%2Fq", "p/q", "deep"}
    assert secrets_of("redis://host") == secrets_of(None) == secrets_of("http://[") == []
