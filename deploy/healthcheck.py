"""``python healthcheck.py URL``: exit 0 when the URL answers 2xx within two seconds, else 1."""

import sys
import urllib.request


def healthy(url: str) -> bool:
    """Tell whether ``url`` answers 2xx; ``urlopen`` raises for every other answer."""
    try:
        with urllib.request.urlopen(url, timeout=2):  # noqa: S310
            return True
    except OSError as error:
        sys.stderr.write(f"{url}: {error}\n")
        return False


if __name__ == "__main__":
    sys.exit(0 if healthy(sys.argv[1]) else 1)
