"""Explains to people why a packed file cannot be unpacked."""

from collections.abc import Mapping

_REASONS: Mapping[str, str] = {
    "password": "it is encrypted: unpack it first, with its password",
    "encrypted": "it is encrypted: unpack it first, with its password",
    "compression method": "its packing is not read, such as Deflate64: unpack it first",
    "memory": "it takes more memory than it may have here: unpack it first",
    "ended before": "it is damaged: it ends too early, as where it was cut off",
    "ends too early": "it is damaged: it ends too early, as where it was cut off",
    "incorrect data check": "it is damaged: its check sum is wrong",
    "incorrect length check": "it is damaged: its check sum is wrong",
    "crc": "it is damaged: its check sum is wrong",
}
"""Parts of a library's message, in small letters, and their meaning."""


def why(error: Exception) -> str:
    """Return the reason for people; an unknown message of a library stays."""
    reason = str(error)
    found = next((meaning for mark, meaning in _REASONS.items() if mark in reason.lower()), None)
    return found or f"it is damaged: {reason or type(error).__name__}"
