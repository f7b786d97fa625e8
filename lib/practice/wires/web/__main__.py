"""`python -m practice.wires.web PAGE`: serve the built page on PORT. The standard library alone, as it starts with
every world."""

import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

HEALTH = "/api/health"


def main() -> int:
    page = Path(sys.argv[1]).read_bytes()

    class Shop(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            body, kind = (b'{"status":"ok"}', "application/json") if self.path == HEALTH else (page, "text/html")
            self.send_response(200)
            self.send_header("Content-Type", f"{kind}; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """A page view is worth no line."""

    with ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Shop) as server:
        sys.stdout.write("web shop started\n")
        sys.stdout.flush()
        server.serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main())
