import pytest

from models.triton.address import Address
from models.triton.errors import TritonUrlInvalid


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("triton://gpu-1:8001", Address("grpc", "gpu-1:8001", "", "", False)),
        ("triton+grpc://gpu-1:8001/", Address("grpc", "gpu-1:8001", "", "", False)),
        ("triton+http://gpu-1:8000/ads", Address("http", "gpu-1:8000", "ads", "", False)),
        ("triton://[::1]:8001/ads/12", Address("grpc", "[::1]:8001", "ads", "12", False)),
        (
            "triton://localhost:8001/ads?shared_memory=1",
            Address("grpc", "localhost:8001", "ads", "", True),
        ),
        ("triton://far:8001?shared_memory=0", Address("grpc", "far:8001", "", "", False)),
    ],
)
def test_url_names_protocol_host_model_and_version(url: str, address: Address) -> None:
    assert Address.parse(url) == address


@pytest.mark.parametrize(
    "url",
    [
        "http://gpu-1:8000/ads",
        "triton://gpu-1/ads",
        "triton://gpu-1:99999/ads",
        "triton://:8001/ads",
        "triton://somebody@gpu-1:8001/ads",
        "triton://gpu-1:8001/ads/latest",
        "triton://gpu-1:8001/ads/1/more",
        "triton://gpu-1:8001/ads?timeout=3",
        "triton://localhost:8001/ads?shared_memory=yes",
        "",
    ],
)
def test_what_is_no_address_is_refused_with_the_value(url: str) -> None:
    with pytest.raises(TritonUrlInvalid, match=r"triton|shared_memory"):
        Address.parse(url)


def test_memory_is_shared_with_this_host_alone() -> None:
    with pytest.raises(TritonUrlInvalid, match="name localhost"):
        Address.parse("triton://gpu-1:8001/ads?shared_memory=1")
