"""Where a request comes from, and whether it may. Pure."""

from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from core.errors import ConfigurationError

Network = IPv4Network | IPv6Network


def parse_networks(texts: Sequence[str]) -> tuple[Network, ...]:
    """Return networks, each written like 10.0.0.0/8, 192.0.2.7 or fd00::/8.

    Raises ConfigurationError.
    """
    try:
        return tuple(ip_network(text) for text in texts)
    except ValueError as error:
        raise ConfigurationError(f"not a network: {error}") from error


def is_within(address: str, networks: Sequence[Network]) -> bool:
    """Tell whether an address lies in one of the networks; what is no address lies in none."""
    try:
        found = ip_address(address)
    except ValueError:
        return False
    if isinstance(found, IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    return any(found in network for network in networks)


def client_address(peer: str, forwarded: Sequence[str], proxies: Sequence[Network]) -> str:
    """Return who asks: the peer, or whom our own proxies name before themselves.

    `forwarded` are the values of X-Forwarded-For, the last written last; what was written there by
    anybody but our proxies is not believed.
    """
    named = [part.strip() for value in forwarded for part in value.split(",")]
    client = peer
    while named and is_within(client, proxies):
        client = named.pop()
    return client
