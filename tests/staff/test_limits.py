"""The counters of sign-ins: shared between processes, and without Redis each on its own."""

import threading

import pytest
import redis

from staff.limits import SignInLimits, TooManySignIns


def tries_until_refused(limits: SignInLimits, username: str, address: str | None) -> int:
    for number in range(1_000):
        try:
            limits.count(username, address)
        except TooManySignIns:
            return number
    raise AssertionError("never refused")


def test_two_processes_share_one_budget(redis_url: str) -> None:
    one, two = SignInLimits.of(redis_url), SignInLimits.of(redis_url)
    for _ in range(5):
        one.count("wang", None)
    assert tries_until_refused(two, "wang", None) == 5
    one.forget("wang")
    assert tries_until_refused(two, "wang", None) == 10


def test_a_race_gets_exactly_the_budget(redis_url: str) -> None:
    limits = SignInLimits.of(redis_url)
    barrier = threading.Barrier(30)
    refused: list[bool] = []

    def attempt() -> None:
        barrier.wait()
        try:
            limits.count("li", None)
            refused.append(False)
        except TooManySignIns:
            refused.append(True)

    threads = [threading.Thread(target=attempt) for _ in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert refused.count(False) == 10


def test_no_name_or_address_stands_in_redis(redis_url: str) -> None:
    SignInLimits.of(redis_url).count("a-password-typed-here", "192.0.2.77")
    with redis.Redis.from_url(redis_url) as client:
        keys = b" ".join(client.keys("*"))
    assert b"wanneng:limit" in keys
    assert b"typed" not in keys
    assert b"192.0.2.77" not in keys


def test_an_address_has_a_wider_budget_over_all_names() -> None:
    limits = SignInLimits.of("")
    for number in range(100):
        limits.count(f"member{number}", "192.0.2.1")
    with pytest.raises(TooManySignIns):
        limits.count("member100", "192.0.2.1")
    limits.count("member100", "192.0.2.2")


def test_without_redis_the_process_still_counts() -> None:
    limits = SignInLimits.of("redis://127.0.0.1:1/0")
    assert tries_until_refused(limits, "wang", None) == 10
    limits.forget("wang")
    assert tries_until_refused(limits, "wang", None) == 10
