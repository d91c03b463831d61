"""A bucket in memory for `helm test`: the part of S3 that a small pipeline needs, its conditions kept.

It takes any keys, so it serves nothing but what the test itself made.
"""

import hashlib
import threading
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, quote, unquote, urlsplit
from xml.sax.saxutils import escape

PORT = 9000
OBJECTS = {}
LOCK = threading.Lock()
NONE = (404, "NoSuchKey", "there is no such object")
FAILED = (412, "PreconditionFailed", "the condition does not hold")


class Bucket(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    @property
    def key(self):
        return unquote(urlsplit(self.path).path).partition("/")[2].partition("/")[2]

    def do_GET(self):
        if not self.key:
            return self.listing(parse_qs(urlsplit(self.path).query, keep_blank_values=True))
        found = OBJECTS.get(self.key)
        if not found:
            return self.refuse(NONE)
        body, headers = found
        if self.headers.get("If-Match", headers["ETag"]) != headers["ETag"]:
            return self.refuse(FAILED)
        wanted = self.headers.get("Range", "")
        if not wanted:
            return self.answer(200, body, headers)
        first, _, last = wanted.removeprefix("bytes=").partition("-")
        part = body[int(first) : int(last) + 1 if last else len(body)]
        if not part:
            return self.refuse((416, "InvalidRange", "there is nothing"))
        place = f"bytes {first}-{int(first) + len(part) - 1}/{len(body)}"
        return self.answer(206, part, {**headers, "Content-Range": place})

    do_HEAD = do_GET

    def do_PUT(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        meta = {name: value for name, value in self.headers.items() if name.lower().startswith("x-amz-meta-")}
        headers = {"ETag": f'"{hashlib.md5(body).hexdigest()}"', "Last-Modified": formatdate(usegmt=True), **meta}
        with LOCK:
            old = OBJECTS.get(self.key)
            match = self.headers.get("If-Match")
            if match and not old:
                return self.refuse(NONE)
            if (old and self.headers.get("If-None-Match")) or (match and f'"{match.strip(chr(34))}"' != old[1]["ETag"]):
                return self.refuse(FAILED)
            OBJECTS[self.key] = (body, headers)
        return self.answer(200, b"", {"ETag": headers["ETag"]})

    def do_DELETE(self):
        with LOCK:
            OBJECTS.pop(self.key, None)
        self.answer(204, b"", {})

    def do_POST(self):
        self.refuse((501, "NotImplemented", "this bucket takes small objects only"))

    def listing(self, query):
        prefix, after = query.get("prefix", [""])[0], query.get("start-after", [""])[0]
        with LOCK:
            found = sorted(each for each in OBJECTS.items() if each[0].startswith(prefix) and each[0] > after)
        rows = "".join(
            f"<Contents><Key>{escape(quote(key))}</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified>"
            f"<ETag>{escape(headers['ETag'])}</ETag><Size>{len(body)}</Size></Contents>"
            for key, (body, headers) in found
        )
        about = "<Name>test</Name><EncodingType>url</EncodingType><IsTruncated>false</IsTruncated>"
        self.xml(200, f"<ListBucketResult>{about}{rows}</ListBucketResult>")

    def refuse(self, problem):
        status, code, message = problem
        self.xml(status, f"<Error><Code>{code}</Code><Message>{message}</Message><Key>{escape(self.key)}</Key></Error>")

    def xml(self, status, text):
        self.answer(
            status, f'<?xml version="1.0" encoding="UTF-8"?>{text}'.encode(), {"Content-Type": "application/xml"}
        )

    def answer(self, status, body, headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def serve(address="", port=PORT):
    server = ThreadingHTTPServer((address, port), Bucket)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server
