"""Why a packed file cannot be unpacked, for people."""

from collections.abc import Mapping

_REASONS: Mapping[str, str] = {
    "password": "it is encrypted: unpack it first, with its password",
    "encrypted": "it is encrypted: unpack it first, with its password",
    "compression method": "its packing is not read, such as Deflate64: unpack it first",
    "memory": "it takes more memory than it may have here: unpack it first",
    "ended before": "it is damaged: it ends too early, as where it was cut off",
    "ends too early": "it is damaged: it ends too early, as where it was cut off",
    "crc": "it is damaged: its check sum is wrong",
}
"""What stands in a library's reason, in small letters, and what it means."""


def why(error: Exception) -> str:
    """Return the reason of a library without what only its authors understand."""
    reason = str(error)
    found = next((told for mark, told in _REASONS.items() if mark in reason.lower()), None)
    return found or f"it is damaged: {reason or type(error).__name__}"
