"""GET /prompts/{language}/{clip}.wav: recorded prompts, for gateways that fetch what they play."""

from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any

from litestar import HttpMethod, Request, Response, route
from litestar.params import PathParameter

from api.guards import WithRuntime
from core.errors import NotFound
from redemption.dialogue.audio import audio_file, digest

Language = Annotated[str, PathParameter(max_length=10, description="zh or en.")]
FileName = Annotated[str, PathParameter(max_length=80, description="A clip's id and .wav.")]
_KEPT_S = 86_400
_WAV = ".wav"


@route(
    "/prompts/{language:str}/{name:str}",
    http_method=[HttpMethod.GET, HttpMethod.HEAD],
    include_in_schema=False,
    sync_to_thread=True,
)
def prompt_audio(
    language: Language, name: FileName, request: Request[Any, Any, Any], runtime: WithRuntime
) -> Response[bytes]:
    """Return a clip, 8 kHz mono 16-bit WAV; 304 to who has it already. Needs no key.

    A studio's recording is seen without a restart.
    """
    clip = name.removesuffix(_WAV)
    path = audio_file(runtime.settings, language, clip) if name.endswith(_WAV) else None
    if path is None:
        raise NotFound("there is no such prompt")
    etag, audio = _read(path, path.stat().st_mtime_ns)
    headers = {"ETag": etag, "Cache-Control": f"public, max-age={_KEPT_S}"}
    asked = request.headers.get("if-none-match", "")
    if etag in [each.strip().removeprefix("W/") for each in asked.split(",")]:
        return Response(b"", status_code=304, headers=headers)
    return Response(audio, status_code=200, media_type="audio/wav", headers=headers)


@lru_cache(maxsize=512)
def _read(path: Path, _changed_at: int) -> tuple[str, bytes]:
    audio = path.read_bytes()
    return f'"{digest(audio)[:32]}"', audio
