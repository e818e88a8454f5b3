"""A program that behaves like one of the stack's: notes its settings, then serves 200 or ends."""

import http.server
import json
import os
import sys
from pathlib import Path

OURS = ("STATESET_", "SIMULATOR_")


class Healthy(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()


def main() -> None:
    name, notes, port_from = sys.argv[1:4]
    settings = {key: value for key, value in os.environ.items() if key.startswith(OURS)}
    (Path(notes) / f"{name}.json").write_text(json.dumps(settings))
    sys.stdout.write(f"{name} is here\n")
    if port_from != "-":
        address = ("127.0.0.1", int(os.environ[port_from]))
        http.server.ThreadingHTTPServer(address, Healthy).serve_forever()


if __name__ == "__main__":
    main()
