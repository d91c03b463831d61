"""A server that speaks the protocol of OpenAI's API, as vLLM, Ollama and gateways do, and misbehaves when asked to.

    python model_server.py PORT [--host ADDRESS] [--key KEY] [--model NAME]

A prompt that contains `do=<words>` says what becomes of its request; everything else gets an answer that names what
was sent. `<words>:n` does so for the first n requests with that prompt. GET /log gives all requests, without images.
Only the standard library, so that it runs anywhere.
"""

import argparse
import base64
import hashlib
import json
import os
import re
import socket
import struct
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

COUNTED = {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}
LOG: list[dict[str, Any]] = []
SEEN: dict[str, int] = {}
LOCK = threading.Lock()

REPLIES: dict[str, dict[str, Any]] = {
    "not-json": {"content": "I am no JSON"},
    "schema": {"content": '{"caption": "a bar that moves", "people": 2}'},
    "fenced": {"content": '```json\n{"caption": "a bar that moves", "people": 2}\n```'},
    "other-schema": {"content": '{"caption": "a bar that moves", "people": "two"}'},
    "nan": {"content": '{"caption": "a bar", "people": NaN}'},
    "deep": {"content": "[" * 100_000},
    "refuse": {"content": None, "refusal": "I cannot help with that."},
    "filter": {"content": "", "finish_reason": "content_filter"},
    "length": {"content": "a caption that never", "finish_reason": "length"},
    "empty": {"content": "  \n "},
    "nothing": {"content": None},
    "parts": {"content": [{"type": "text", "text": "a caption"}]},
    "nul": {"content": "a\0b"},
    "hostile": {"content": "\x1b[2J\u202ereversed {text} {{brace}} \U0001f600 </s> <|im_end|> '; DROP TABLE"},
    "no-usage": {"usage": None},
    "odd-usage": {"usage": {"prompt_tokens": -5, "completion_tokens": "many"}},
}
RAW: dict[str, bytes] = {
    "page": b"<html>welcome to the gateway</html>",
    "list": b"[]",
    "no-choices": b'{"choices": []}',
    "error": b'{"error": {"message": "the model is loading"}}',
    "odd-choices": b'{"choices": {"message": 3}}',
    "surrogate": b'{"choices": [{"message": {"content": "half a pair: \\ud800"}}]}',
    "not-utf8": b'{"choices": [{"message": {"content": "\xff\xfe"}}]}',
}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    key = ""
    model = "looker"

    def do_GET(self) -> None:
        if self.path == "/log":
            self.json(200, LOG)
        elif self.authorised() and self.path == "/v1/models":
            self.json(200, {"object": "list", "data": [{"id": self.model, "object": "model"}]})
        elif self.authorised():
            self.json(404, {"error": {"message": "not found"}})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if not self.authorised():
            return
        if self.path != "/v1/chat/completions":
            self.json(404, {"error": {"message": "not found"}})
            return
        asked = json.loads(body)
        parts = asked["messages"][-1]["content"]
        prompt = next(part["text"] for part in parts if part["type"] == "text")
        pictures = [part[part["type"]]["url"] for part in parts if part["type"] != "text"]
        found = re.search(r"do=([\w.-]+)(?::(\d+))?", prompt)
        word, most = (found[1], int(found[2]) if found[2] else 1 << 30) if found else ("", 0)
        with LOCK:
            SEEN[prompt] = SEEN.get(prompt, 0) + 1
            nth = SEEN[prompt]
            LOG.append({
                "prompt": prompt, "time": time.monotonic(), "pictures": [_digest(url) for url in pictures],
                "rest": {name: value for name, value in asked.items() if name != "messages"},
                "roles": [message["role"] for message in asked["messages"]],
            })  # fmt: skip
        if asked["model"] != self.model:
            self.json(404, {"error": {"message": f"the model {asked['model']} does not exist"}})
        elif nth <= most and word:
            self.fault(word, pictures)
        else:
            self.completion(f"{len(pictures)} pictures: {prompt}")

    def fault(self, word: str, pictures: list[str]) -> None:
        """Do what the prompt asks for."""
        if word in REPLIES:
            self.completion("a caption", **REPLIES[word])
        elif word in RAW:
            self.raw(200, RAW[word])
        elif word == "busy":
            self.json(429, {"error": {"message": "too many requests"}}, {"Retry-After": "0.2"})
        elif word in ("busy-for-an-hour", "down-for-an-hour"):
            status = 429 if word.startswith("busy") else 503
            self.json(status, {"error": {"message": "come back later"}}, {"Retry-After": "3600"})
        elif word.isdigit():
            self.json(int(word), {"error": {"message": f"status {word} for {self.headers.get('Authorization')}"}})
        elif word == "fields":
            self.json(422, {"detail": [{"loc": ["body", "seed"], "msg": "seed is not allowed", "type": "extra"}]})
        elif word == "redirect":
            self.json(302, {}, {"Location": "http://127.0.0.1:1/v1/chat/completions"})
        elif word == "slow":
            time.sleep(30)
        elif word == "drip":
            self.headers_only(1000)
            for _ in range(999):
                self.wfile.write(b" ")
                self.wfile.flush()
                time.sleep(0.1)
        elif word == "cut":
            self.headers_only(1000)
            self.wfile.write(b'{"choices": [{"mess')
            self.close_connection = True
        elif word == "reset":
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
            self.close_connection = True
        elif word == "huge":
            self.raw(200, b'{"choices": [{"message": {"content": "' + b"x" * (17 << 20) + b'"}}]}')
        elif word == "die":
            os._exit(1)
        elif word == "pause":
            time.sleep(0.3)
            self.completion(f"{len(pictures)} pictures")
        else:
            self.json(400, {"error": {"message": f"do what? {word}"}})

    def completion(self, text: str, **reply: Any) -> None:
        message = {"role": "assistant", "content": reply.get("content", text)}
        if "refusal" in reply:
            message["refusal"] = reply["refusal"]
        choice = {"index": 0, "message": message, "finish_reason": reply.get("finish_reason", "stop")}
        usage = reply.get("usage", COUNTED)
        self.json(200, {"object": "chat.completion", "choices": [choice], **({"usage": usage} if usage else {})})

    def authorised(self) -> bool:
        said = self.headers.get("Authorization", "")
        if self.key and said != f"Bearer {self.key}":
            self.json(401, {"error": {"message": f"Incorrect API key provided: {said}"}})
            return False
        return True

    def json(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
        self.raw(status, json.dumps(body).encode(), headers)

    def raw(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.headers_only(len(body), status, headers)
        self.wfile.write(body)

    def headers_only(self, length: int, status: int = 200, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(length))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except (ConnectionError, ValueError):
            self.close_connection = True


def _digest(url: str) -> dict[str, Any]:
    head, _, data = url.partition(",")
    content = base64.b64decode(data)
    return {"type": head, "size": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--key", default="")
    parser.add_argument("--model", default="looker")
    given = parser.parse_args()
    Handler.key, Handler.model = given.key, given.model
    server = ThreadingHTTPServer((given.host, given.port), Handler)
    server.daemon_threads = True
    server.serve_forever()


if __name__ == "__main__":
    main()
