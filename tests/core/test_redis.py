"""The client behaves the same on a real server and in memory, and says when it is alone."""

import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import redis

from core.errors import ConfigurationError
from core.redis import CONNECTIONS, connect, is_alive
from core.settings import Settings
from tests.servers import start_redis


@pytest.fixture(params=["server", "memory"])
def client(
    settings: Settings, redis_url: str, request: pytest.FixtureRequest
) -> Iterator[redis.Redis]:
    url = redis_url if request.param == "server" else ""
    client = connect(replace(settings, redis_url=url))
    yield client
    client.close()


def test_a_value_comes_back_as_bytes(client: redis.Redis) -> None:
    client.set("key", "王", ex=60)
    assert client.get("key") == "王".encode()
    assert is_alive(client)


def test_a_script_runs_as_one_step(client: redis.Redis) -> None:
    script = client.register_script(
        "if redis.call('GET', KEYS[1]) == ARGV[1] then"
        " redis.call('SET', KEYS[1], ARGV[2]) return 1 end return 0"
    )
    client.set("turn", "1")
    assert script(keys=["turn"], args=["1", "2"]) == 1
    assert script(keys=["turn"], args=["1", "3"]) == 0
    assert client.get("turn") == b"2"


def test_a_burst_waits_for_connections_and_loses_none(client: redis.Redis) -> None:
    threads = [
        threading.Thread(target=lambda: client.incr("count")) for _ in range(4 * CONNECTIONS)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert client.get("count") == str(4 * CONNECTIONS).encode()


def test_two_clients_in_memory_share_nothing(settings: Settings) -> None:
    one, two = connect(settings), connect(settings)
    one.set("key", "value")
    assert two.get("key") is None
    one.close()
    two.close()


def test_a_server_that_restarted_is_found_again_without_an_error(
    settings: Settings, scratch: Path
) -> None:
    server = start_redis(scratch / "kv")
    client = connect(replace(settings, redis_url=server.url()))
    try:
        client.set("key", "value")
        server.stop()
        assert not is_alive(client)
        with pytest.raises(redis.RedisError):
            client.get("key")
        server.start()
        assert client.get("key") is None
        assert is_alive(client)
    finally:
        client.close()
        server.stop()


def test_a_server_that_never_answers_is_a_redis_error(settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"redis://127.0.0.1:{silent.getsockname()[1]}/0"
        client = connect(replace(settings, redis_url=url))
        with pytest.raises(redis.RedisError):
            client.get("key")
        client.close()


@pytest.mark.parametrize("url", ["127.0.0.1", "http://127.0.0.1", "redis://127.0.0.1:port/0"])
def test_an_address_that_is_none_is_a_configuration_error(settings: Settings, url: str) -> None:
    with pytest.raises(ConfigurationError, match="WANNENG_REDIS_URL"):
        connect(replace(settings, redis_url=url))
