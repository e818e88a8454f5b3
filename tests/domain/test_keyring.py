"""Keys as a setting names them: read whole, or refused in words that show none."""

import base64
import os

import pytest

from domain.keyring import NO_KEYS, read_keyring

FIRST, SECOND = (base64.b64encode(os.urandom(32)).decode() for _ in range(2))
REFUSED = {
    "no id": FIRST,
    "an empty id": f":{FIRST}",
    "an id with a space": f"k 1:{FIRST}",
    "no key": "k1:",
    "no base64": f"k1:{FIRST[:-2]}§!",
    "a short key": f"k1:{base64.b64encode(os.urandom(16)).decode()}",
    "a key of one byte": f"k1:{base64.b64encode(bytes(32)).decode()}",
    "an id twice": f"k1:{FIRST},k1:{SECOND}",
    "nothing between commas": f"k1:{FIRST},,k2:{SECOND}",
    "cleartext in the second place": f"k1:{FIRST},cleartext",
    "a key called cleartext": f"cleartext:{FIRST}",
}


def test_the_first_key_encrypts_and_all_decrypt() -> None:
    ring = read_keyring(f"k2:{SECOND}, k1:{FIRST}")
    assert (ring.current, list(ring.keys)) == ("k2", ["k2", "k1"])
    assert ring.keys["k1"] == base64.b64decode(FIRST)


def test_cleartext_in_the_first_place_writes_without_a_key_and_reads_with_the_others() -> None:
    ring = read_keyring(f"cleartext,k1:{FIRST}")
    assert (ring.current, list(ring.keys)) == (None, ["k1"])
    assert read_keyring("cleartext") == read_keyring(" ") == NO_KEYS


@pytest.mark.parametrize("written", REFUSED.values(), ids=REFUSED)
def test_what_is_no_list_of_keys_is_refused_without_showing_one(written: str) -> None:
    with pytest.raises(ValueError) as refused:
        read_keyring(written)
    assert not [key for key in (FIRST, SECOND) if key[:8] in str(refused.value)]


def test_a_ring_does_not_show_its_keys() -> None:
    assert FIRST not in repr(read_keyring(f"k1:{FIRST}"))
    assert str(base64.b64decode(FIRST)) not in repr(read_keyring(f"k1:{FIRST}"))
