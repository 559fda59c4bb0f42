"""What is personal in a file and how little of it stays: keyed hashes for ids, nothing for the rest."""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass
from pathlib import Path

from . import decode
from .loaded import HASH_DIGITS, account_name

HIDDEN = "***"
EMAIL = r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"
PHONE = r"\+\d[\d ()-]{6,}\d|1[3-9]\d[ -]?\d{4}[ -]?\d{4}|0\d{2,3}-\d{7,8}"
IN_TEXT = re.compile(rf"(?<![0-9A-Za-z.+]){EMAIL}|(?<![0-9A-Za-z.+])(?:{PHONE})(?![0-9A-Za-z])", re.ASCII)
LOGIN = re.compile(rf"^{EMAIL}$")


@dataclass(frozen=True)
class Secret:
    """The key of the shop's hashes, and the file that is read with it."""

    path: Path
    key: bytes

    def hashed(self, text: str) -> str:
        """The keyed hash that stands for a name, an e-mail address or a number; CsperfError where there is no key."""
        if not self.key:
            raise decode.problem(self.path, "customer_key_missing")
        return hmac.digest(self.key, text.encode(), "sha256").hex()[:HASH_DIGITS]

    def customer(self, own_id: object, *contacts: object) -> str | None:
        """The customer's id as the system numbers them, else the hash of the first address or number that is filled."""
        text = as_text(own_id)
        if text and not ("@" in text or text.startswith("+")):
            return text
        found = next((contact for contact in (text, *map(as_text, contacts)) if contact), None)
        return found and self.hashed(found)


def masked(text: str | None) -> str | None:
    """A message without the e-mail addresses and telephone numbers written in it."""
    return text and IN_TEXT.sub(HIDDEN, text)


def account(login: object) -> str | None:
    """An agent's account in its one spelling; of an e-mail address only what stands before the @."""
    text = as_text(login)
    return account_name(text.partition("@")[0] if LOGIN.match(text) else text) if text else None


def as_text(value: object) -> str | None:
    """A JSON value as the text of an id: null where it is empty, or no text and no number."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    text = str(int(value)) if isinstance(value, float) and value.is_integer() else str(value).strip()
    return text or None
