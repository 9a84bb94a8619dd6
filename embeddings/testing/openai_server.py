"""A server that speaks OpenAI's embeddings protocol on loopback, with its limits, errors and bad days: for tests.

    with OpenAIServer() as server:
        server.answer(status=429, headers={"Retry-After": "2"}, code="rate_limit_exceeded", times=1)
        provider = OpenAIProvider(api_key=server.api_key, base_url=server.base_url)

Its vectors are those of the fake provider: equal words, similar vectors.
"""

from __future__ import annotations

import base64
import json
import struct
import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Literal

from embeddings.providers.fake import embed

MODELS = {"text-embedding-3-small": 1536, "text-embedding-3-large": 3072, "text-embedding-ada-002": 1536, "stub-model": 64}
MAX_INPUTS = 2048
Fault = Literal["count", "order", "index", "dimension", "nan", "zero", "empty", "html", "shape"]


@dataclass(frozen=True, kw_only=True)
class CannedAnswer:
    """An error to give instead of vectors, `delay_seconds` late; with status 200 only the delay."""

    status: int = 200
    code: str | None = None
    error_type: str | None = None
    message: str = "The stub says no."
    param: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    delay_seconds: float = 0

    @property
    def body(self) -> dict[str, Any]:
        return {"error": {"message": self.message, "type": self.error_type, "param": self.param, "code": self.code}}


class OpenAIServer:
    """Runs in threads of this process while the `with` block lasts."""

    api_key = "sk-stub"

    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []
        """The bodies of all requests, refused ones too."""
        self.fault: Fault | None = None
        """What is wrong with its vectors; "order" and only that is allowed by the protocol."""
        self.refused: list[str] = []
        """Parts of texts that it answers with 400, for the whole request."""
        self.breaking: list[str] = []
        """Parts of texts at which it breaks: 500, for the whole request."""
        self.trouble: CannedAnswer | None = None
        """What it answers to all requests, as long as this is set."""
        self._canned: deque[CannedAnswer] = deque()
        self._lock = threading.Lock()
        self._http = _HTTPServer(("127.0.0.1", 0), _Handler)
        self._http.stub = self
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}/v1"

    def __enter__(self) -> OpenAIServer:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join(timeout=5)

    def answer(self, *, times: int = 1, **answer: Any) -> None:
        """The next `times` requests get the CannedAnswer made of `answer`."""
        with self._lock:
            self._canned.extend([CannedAnswer(**answer)] * times)

    def respond(self, body: dict[str, Any], *, authorization: str) -> tuple[CannedAnswer, Any]:
        """What to send: a canned answer and, for status 200, the response's body."""
        with self._lock:
            self.requests.append(body)
            canned = self._canned.popleft() if self._canned else self.trouble or CannedAnswer()
        if canned.status != 200:
            return canned, canned.body
        refusal = self._find_refusal(body, authorization)
        if refusal is not None:
            return refusal, refusal.body
        return canned, self._vectors(body)

    def _find_refusal(self, body: dict[str, Any], authorization: str) -> CannedAnswer | None:
        texts, model = body["input"], body["model"]
        if authorization != f"Bearer {self.api_key}":
            return CannedAnswer(status=401, code="invalid_api_key", message="Incorrect API key provided.")
        if model not in MODELS:
            return CannedAnswer(status=404, code="model_not_found", message=f"The model {model} does not exist.")
        if len(texts) > MAX_INPUTS:
            return CannedAnswer(status=400, error_type="invalid_request_error", param="input", message="at most 2048 inputs")
        if "dimensions" in body and not model.startswith("text-embedding-3"):
            return CannedAnswer(status=400, param="dimensions", message="This model does not support specifying dimensions.")
        if any(not text or any(part in text for part in self.refused) for text in texts):
            return CannedAnswer(status=400, error_type="invalid_request_error", param="input", message="'$.input' is invalid.")
        if any(part in text for part in self.breaking for text in texts):
            return CannedAnswer(status=500, error_type="server_error", message="The server had an error.")
        if any(len(text) > 8192 * 4 for text in texts):
            message = "This model's maximum context length is 8192 tokens."
            return CannedAnswer(status=400, error_type="invalid_request_error", message=message)
        return None

    def _vectors(self, body: dict[str, Any]) -> Any:
        size = body.get("dimensions", MODELS[body["model"]])
        vectors = [_spoiled(embed(text, dimensions=size), self.fault) for text in body["input"]]
        encode = _as_base64 if body.get("encoding_format") == "base64" else list
        data: Any = [{"object": "embedding", "index": i, "embedding": encode(vector)} for i, vector in enumerate(vectors)]
        match self.fault:
            case "count":
                data = data[:-1]
            case "order":
                data.reverse()
            case "index":
                data = [item | {"index": 0} for item in data]
            case "empty":
                data = []
            case "shape":
                return {"vectors": vectors}
        tokens = sum(len(text) // 4 + 1 for text in body["input"])
        return {"object": "list", "data": data, "model": body["model"], "usage": {"prompt_tokens": tokens, "total_tokens": tokens}}


def _spoiled(vector: list[float], fault: Fault | None) -> list[float]:
    match fault:
        case "dimension":
            return vector[:-1]
        case "nan":
            return [float("nan"), *vector[1:]]
        case "zero":
            return [0.0] * len(vector)
        case _:
            return vector


def _as_base64(vector: list[float]) -> str:
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()


class _HTTPServer(ThreadingHTTPServer):
    daemon_threads = True
    stub: OpenAIServer


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _HTTPServer

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        canned, content = self.server.stub.respond(body, authorization=self.headers.get("Authorization", ""))
        time.sleep(canned.delay_seconds)
        is_html = self.server.stub.fault == "html"
        payload = b"<html>Welcome to the hotel's network</html>" if is_html else json.dumps(content).encode()
        try:
            self.send_response(canned.status)
            self.send_header("Content-Type", "text/html" if is_html else "application/json")
            self.send_header("Content-Length", str(len(payload)))
            for name, value in canned.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(payload)
        except ConnectionError:
            self.close_connection = True  # the client's patience was shorter than the delay

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: the test's own output is what counts."""
