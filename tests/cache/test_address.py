import pytest
from redis.asyncio.connection import SSLConnection

from cache.address import SCHEMES, Address, Kind, Node, anonymous, parse
from cache.connection import connect
from cache.errors import UrlInvalid


def test_one_server_is_as_redis_py_reads_it() -> None:
    address = parse("redis://me:se%2Fcret@cache:7000/3?socket_timeout=1.5")
    assert address.kind is Kind.SERVER
    assert dict(address.options) == {
        "username": "me", "password": "se/cret", "host": "cache", "port": 7000, "db": 3,
        "socket_timeout": 1.5,
    }  # fmt: skip


def test_socket_has_no_host() -> None:
    address = parse("unix:///run/valkey.sock")
    assert (address.kind, address.nodes) == (Kind.SERVER, ())
    assert address.options["path"] == "/run/valkey.sock"


def test_cluster_names_several_nodes_with_one_password() -> None:
    address = parse("redis+cluster://me:secret@a:7000,b,[::1]:7002/0")
    assert address.kind is Kind.CLUSTER
    assert address.nodes == (Node("a", 7000), Node("b", 6379), Node("::1", 7002))
    assert dict(address.options) == {"username": "me", "password": "secret", "db": 0}


def test_certificates_of_a_tls_cluster_are_options() -> None:
    address = parse(
        "rediss+cluster://a/?ssl_ca_certs=/tls/ca.pem&ssl_certfile=/tls/own.pem"
        "&ssl_keyfile=/tls/own.key&ssl_check_hostname=no"
    )
    assert address.options["connection_class"] is SSLConnection
    assert address.options["ssl_ca_certs"] == "/tls/ca.pem"
    assert address.options["ssl_check_hostname"] is False


def test_sentinels_have_credentials_of_their_own_and_name_the_service() -> None:
    address = parse("redis+sentinel://me:secret@a,b:7000/ads/2?sentinel_password=other")
    assert (address.kind, address.service) == (Kind.SENTINEL, "ads")
    assert address.nodes == (Node("a", 26379), Node("b", 7000))
    assert dict(address.options) == {"username": "me", "password": "secret", "db": 2}
    assert dict(address.sentinel_options) == {"password": "other"}


@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_scheme_makes_a_client_and_opens_nothing(scheme: str) -> None:
    connect(f"{scheme}://:secret@host/{'ads' if 'sentinel' in scheme else ''}")


@pytest.mark.parametrize(
    ("url", "remedy"),
    [
        ("", "redis://, rediss://, unix://, redis\\+cluster://"),
        ("memcached://:secret@host", "it must begin with"),
        ("secret://host", "it must begin with"),
        ("redis://:sec/ret@host", "percent-encoded"),
        ("redis+cluster://:sec/ret@a,b", "percent-encoded"),
        ("redis://host:secret", "percent-encoded"),
        ("redis://host:99999", "up to 65535"),
        ("redis://:secret@[::1", "host cannot be read"),
        ("redis://:secret@a,b", r"\+cluster or \+sentinel"),
        ("redis+cluster://:secret@", "each of its hosts"),
        ("redis+cluster://:secret@a,,b", "each of its hosts"),
        ("redis+cluster://:secret@a/3", "no databases"),
        ("redis+cluster://:secret@a?db=3", "no databases"),
        ("redis+sentinel://:secret@a", "name the service"),
        ("redis+sentinel://:secret@a/ads/secret", "name the service"),
        ("redis://:secret@host?ssl_min_version=secret", "ssl_min_version"),
        ("rediss://:secret@host?ssl_ca=ca.pem", "ssl_ca"),
        ("redis://:secret@host?ssl_ca_certs=ca.pem", "ssl_ca_certs"),
        ("rediss://:secret@host?ssl_cert_reqs=maybe", "maybe"),
    ],
)
def test_what_is_no_address_is_refused_with_the_remedy_and_no_secret(url: str, remedy: str) -> None:
    with pytest.raises(UrlInvalid, match=f"UNDERSTUDY_REDIS_URL.*{remedy}") as refused:
        connect(url)
    assert "secret" not in str(refused.value)
    assert refused.value.__cause__ is None


def test_address_is_shown_without_its_password() -> None:
    shown: Address = parse("redis+sentinel://:secret@a/ads?sentinel_password=hidden")
    assert "secret" not in repr(shown)
    assert "hidden" not in repr(shown)


def test_address_can_be_told_without_its_password() -> None:
    assert anonymous("rediss://me:secret@cache:6380/2?x=secret") == "rediss://cache:6380/2"
    assert anonymous("unix:///run/valkey.sock") == "unix:///run/valkey.sock"
