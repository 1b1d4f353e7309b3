"""Where a request comes from."""

import pytest

from core.errors import ConfigurationError
from core.networks import client_address, is_within, parse_networks
from core.settings import Settings

OURS = parse_networks(["10.0.0.0/8", "fd00::/8", "192.0.2.7"])


@pytest.mark.parametrize("address", ["10.1.2.3", "fd00::1", "192.0.2.7", "::ffff:10.0.0.1"])
def test_an_address_lies_in_its_network(address: str) -> None:
    assert is_within(address, OURS)


@pytest.mark.parametrize("address", ["11.0.0.1", "fe00::1", "192.0.2.8", "", "unix", "10.0.0"])
def test_another_lies_in_none(address: str) -> None:
    assert not is_within(address, OURS)


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("8.8.8.8", ["1.1.1.1"], "8.8.8.8"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["1.1.1.1"], "1.1.1.1"),
        ("10.0.0.1", ["10.9.9.9, 1.1.1.1"], "1.1.1.1"),
        ("10.0.0.1", ["1.1.1.1", "10.0.0.2"], "1.1.1.1"),
        ("10.0.0.1", ["10.0.0.3, nonsense"], "nonsense"),
    ],
)
def test_only_our_own_proxies_are_believed(peer: str, forwarded: list[str], client: str) -> None:
    assert client_address(peer, forwarded, OURS) == client


@pytest.mark.parametrize("name", ["gateway_networks", "trusted_proxies"])
@pytest.mark.parametrize("text", ["10.0.0.1/8", "somewhere", "10.0.0.0/33"])
def test_what_is_no_network_is_told_at_the_start(name: str, text: str) -> None:
    with pytest.raises(ConfigurationError):
        Settings(**{name: text})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "wrong", [{"gateway_get": "yes"}, {"twiml_voices": "zh=cmn-CN"}, {"twiml_voices": ""}]
)
def test_other_wrong_settings_of_gateways_are_told_too(wrong: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError):
        Settings(**wrong)  # type: ignore[arg-type]
