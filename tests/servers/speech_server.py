"""A server with `/v1/audio/transcriptions` in the format `verbose_json`, whose model is pocketsphinx with a grammar.

    PYTHONPATH=<speech home> python speech_server.py PORT

The grammar knows the words of `WORDS` only, and says "thank you" where it finds none of them: like larger models, it
invents words where nobody speaks. A `prompt` that is the name of a fault gives that fault.
"""

import email.parser
import email.policy
import io
import json
import sys
import threading
import wave
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from pocketsphinx import Decoder, get_model_path

WORDS = ("seven", "monkey", "elephant", "university", "holiday")
GRAMMAR = f"#JSGF V1.0; grammar g; public <words> = ( {' | '.join(WORDS)} )+ ;"
LOG: list[dict[str, Any]] = []
LOCK = threading.Lock()
FAULTS: dict[str, Any] = {
    "no-words": {"text": "seven", "segments": [{"text": "seven", "start": 0.0, "end": 0.5}]},
    "only-text": {"text": "seven"},
    "outside": {"text": "x", "segments": [{"text": "x", "start": 0.0, "end": 900.0}]},
    "backwards": {"text": "x", "words": [{"word": "x", "start": 2.0, "end": 1.0}]},
    "odd": {"text": 3, "segments": "none", "words": None},
    "nan": '{"text": "x", "segments": [{"text": "x", "start": NaN, "end": 1}]}',
    "late": {
        "text": "x",
        "words": [{"word": "x", "start": 0.0, "end": 0.01}, {"word": "y", "start": 0.0, "end": 0.01}],
    },
    "no-speech": {
        "text": "Thanks for watching!",
        "segments": [
            {"text": "Thanks for watching!", "start": 0, "end": 0.5, "avg_logprob": -1.5, "no_speech_prob": 0.9}
        ],
        "words": [{"word": "Thanks", "start": 0, "end": 0.2}],
    },
}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.answer(LOG if self.path == "/log" else {"data": [{"id": "sphinx"}]})

    def do_POST(self) -> None:
        head = f"Content-Type: {self.headers['Content-Type']}\r\n\r\n".encode()
        body = self.rfile.read(int(self.headers["Content-Length"]))
        parts = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + body)
        fields: dict[str, Any] = {}
        for part in parts.iter_parts():
            name = str(part.get_param("name", header="content-disposition"))
            content = part.get_payload(decode=True)
            fields.setdefault(name, []).append(content if name == "file" else content.decode())
        with wave.open(io.BytesIO(fields.pop("file")[0])) as file:
            form = (file.getframerate(), file.getnchannels(), file.getsampwidth())
            samples = file.readframes(file.getnframes())
        with LOCK:
            LOG.append({"path": self.path, "form": form, "seconds": len(samples) / 32000, **fields})
            prompt = fields.get("prompt", [""])[0]
            self.answer(FAULTS[prompt] if prompt in FAULTS else recognised(samples))

    def answer(self, value: Any) -> None:
        body = value.encode() if isinstance(value, str) else json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


def decoder() -> Any:
    made = Decoder(samprate=16000, loglevel="FATAL", lm=None, hmm=get_model_path("en-us/en-us"))
    made.add_jsgf_string("words", GRAMMAR)
    made.activate_search("words")
    return made


def recognised(samples: bytes) -> dict[str, Any]:
    """What the model hears, as OpenAI's API says it."""
    heard = decoder()
    heard.start_utt()
    heard.process_raw(samples, full_utt=True)
    heard.end_utt()
    words = [
        {"word": part.word.split("(")[0], "start": part.start_frame / 100, "end": (part.end_frame + 1) / 100}
        for part in (heard.seg() or ())
        if part.word[0] not in "<[("
    ]
    words = words or [{"word": "thank", "start": 0.0, "end": 0.1}, {"word": "you", "start": 0.1, "end": 0.2}]
    text = " ".join(word["word"] for word in words)
    segments = [{"text": text, "start": words[0]["start"], "end": words[-1]["end"], "avg_logprob": -0.2}]
    return {"language": "english", "duration": len(samples) / 32000, "text": text, "segments": segments, "words": words}


def main() -> None:
    server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler)
    server.daemon_threads = True
    server.serve_forever()


if __name__ == "__main__":
    main()
