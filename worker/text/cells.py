"""Cells of a CSV file: text that no spreadsheet runs as a formula, and the way back for training.

A spreadsheet runs a cell that begins like a formula when somebody opens the file. Such a text is
written with an apostrophe before it, as spreadsheets themselves mark text. If the text already
begins with apostrophes, it gets one more. So reading removes exactly what writing added.
"""

import re

_FORMULA = re.compile("'*[=+\\-@\t\r\uff1d\uff0b\uff0d\uff20]")
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?")


def as_cell(text: str) -> str:
    """Return *text* so that a spreadsheet does not run it as a formula; plain numbers stay."""
    is_run = _FORMULA.match(text) and not _NUMBER.fullmatch(text)
    return f"'{text}" if is_run else text


def of_cell(cell: str) -> str:
    """Return the text from which `as_cell` made *cell*."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell
