"""Recorded prompts over HTTP, as telephone gateways fetch them."""

import io
import wave

import httpx
import pytest

from redemption.dialogue.audio import DIRECTORY


def test_a_prompt_is_a_wav_that_can_be_kept(client: httpx.Client) -> None:
    answer = client.get("/prompts/zh/welcome.wav")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "audio/wav")
    assert "max-age" in answer.headers["cache-control"]
    assert answer.content == (DIRECTORY / "zh" / "welcome.wav").read_bytes()
    with wave.open(io.BytesIO(answer.content)) as sound:
        assert sound.getframerate() == 8000


@pytest.mark.parametrize("form", ["{}", "W/{}", '"other", {}'])
def test_who_has_it_gets_it_not_again(client: httpx.Client, form: str) -> None:
    etag = client.get("/prompts/en/n-7.wav").headers["etag"]
    again = client.get("/prompts/en/n-7.wav", headers={"If-None-Match": form.format(etag)})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == etag
    other = client.get("/prompts/en/n-7.wav", headers={"If-None-Match": '"other"'})
    assert other.status_code == 200


def test_a_look_at_the_head_is_empty(client: httpx.Client) -> None:
    answer = client.head("/prompts/zh/n-7.wav")
    assert (answer.status_code, answer.content) == (200, b"")


@pytest.mark.parametrize(
    "path",
    ["zh/nothing.wav", "fr/welcome.wav", "zh/welcome", "zh/welcome.mp3", "zh/..%2Fmanifest.wav",
     "zh/%00.wav", "en/" + "x" * 300 + ".wav"],
)  # fmt: skip
def test_what_is_no_prompt_is_not_found(client: httpx.Client, path: str) -> None:
    assert client.get(f"/prompts/{path}").status_code in (400, 404, 422)
