"""The little YAML that an environments file is made of.

This is not a YAML reader. It knows what ``cortex env configure`` writes, and what people who edit that file by hand are
likely to write: maps of ``key: value`` in block form, lists of such maps, plain and quoted texts on one line, literal
blocks (``|``) and comments. Everything else is refused with its line.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Dict, List, Optional

_KEY = re.compile(r"([A-Za-z_][A-Za-z0-9_.-]*)[ ]*:(?:[ ]+(.*))?$")
_NULLS = ("", "~", "null", "Null", "NULL")
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_./-]*(?::[A-Za-z0-9_./-]+)*")
_WORDS = ("null", "true", "false", "yes", "no", "on", "off", "y", "n")
_ESCAPES = {
    "0": "\0", "a": "\a", "b": "\b", "t": "\t", "n": "\n", "v": "\v", "f": "\f", "r": "\r", "e": "\x1b", " ": " ",
    '"': '"', "/": "/", "\\": "\\", "N": "\x85", "_": "\xa0", "L": "\u2028", "P": "\u2029",
}  # fmt: skip
_ESCAPE = re.compile(r"\\(x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|.)")
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff\ud800-\udfff\"\\\\]")


class YamlError(ValueError):
    """The text is no environments file."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line
        """Counted from 1."""
        self.message = message


@dataclass
class _Line:
    number: int
    text: str

    @property
    def indent(self) -> int:
        return len(self.text) - len(self.text.lstrip(" "))

    @property
    def is_blank(self) -> bool:
        return not self.text.strip() or self.text.lstrip(" ").startswith("#")


@dataclass
class Entry:
    """One key of a map, with its value as it is written."""

    key: str
    line: int
    """Counted from 1."""
    inline: str
    """What stands behind the colon."""
    below: List[_Line]
    """The lines that belong to it."""
    indent: int
    """How far the key is indented."""

    def text(self) -> Optional[str]:
        """The value as text; None for null.

        Raises:
            YamlError: it is no text on one line, or a literal block.
        """
        value = self.inline
        if value.startswith("|"):
            return self._literal()
        for line in self.below:
            if not line.is_blank:
                raise YamlError(line.number, f"a text on one line is expected behind {self.key}")
        if value[:1] in ('"', "'"):
            return _quoted(value, self.line)
        value = _without_comment(value)
        if value in _NULLS:
            return None
        if value[0] in ">[]{}&*!|%@`,?#" or value.startswith("- ") or ": " in value or value.endswith(":"):
            raise YamlError(self.line, f"the value of {self.key} must be put in quotes")
        return value

    def maps(self) -> List[Dict[str, Entry]]:
        """The value as a list of maps.

        Raises:
            YamlError: it is none.
        """
        value = _without_comment(self.inline)
        lines = [line for line in self.below if not line.is_blank]
        if not lines and (value in _NULLS or value == "[]"):
            return []
        if value or not lines:
            raise YamlError(self.line, f"{self.key} must be a list, with one `- name: ...` for each entry below it")
        indent = lines[0].indent
        items: List[List[_Line]] = []
        for line in self.below:
            if not line.is_blank and line.indent == indent and re.match(r"-( |$)", line.text[indent:]):
                # The first key stands behind the dash, the others below it.
                items.append([_Line(line.number, line.text[:indent] + " " + line.text[indent + 1 :])])
            elif not items and not line.is_blank:
                raise YamlError(line.number, f"{self.key} must be a list, with one `- name: ...` for each entry below it")
            elif items:
                items[-1].append(line)
        return [_map(item) for item in items]

    def raw(self) -> List[str]:
        """The entry as it is written, without the indentation of its key."""
        lines = [f"{self.key}: {self.inline}".rstrip()]
        lines += [line.text[self.indent :] if not line.text[: self.indent].strip() else line.text for line in self.below]
        while not lines[-1].strip():
            lines.pop()
        return lines

    def _literal(self) -> str:
        header = _without_comment(self.inline)
        if not re.fullmatch(r"\|[+-]?", header):
            raise YamlError(self.line, f"a literal block begins with |, |- or |+, not {header}")
        lines = list(self.below)
        while lines and not lines[-1].text.strip():
            lines.pop()
        indent = next((line.indent for line in lines if line.text.strip()), 0)
        # A comment that stands further left is behind the block.
        lines = lines[: next((at for at, line in enumerate(lines) if line.is_blank and line.text.strip() and line.indent < indent), None)]
        for line in lines:
            if line.text.strip() and line.indent < indent:
                raise YamlError(line.number, "this line of a literal block stands further left than its first")
        text = "\n".join(line.text[indent:] for line in lines)
        return text if header == "|-" or not text else text + "\n"


def parse(text: str) -> Dict[str, Entry]:
    """The map that a file holds; empty for an empty file.

    Raises:
        YamlError: it holds something else.
    """
    lines: List[_Line] = []
    for number, line in enumerate(text.lstrip("\ufeff").split("\n"), start=1):
        line = line[:-1] if line.endswith("\r") else line
        if line.rstrip() in ("---", "...") and all(each.is_blank for each in lines):
            continue
        if line.rstrip() == "...":
            break
        if line.lstrip(" ").startswith("\t") and line.strip():
            raise YamlError(number, "a tab can't indent YAML; use spaces")
        lines.append(_Line(number, line))
    first = next((line for line in lines if not line.is_blank), None)
    if first is None or (first.text.strip() in _NULLS and all(line is first or line.is_blank for line in lines)):
        return {}
    return _map(lines)


def quote(text: str) -> str:
    """A text as a value: bare where no reader can take it for anything else."""
    if _PLAIN.fullmatch(text) and text.lower() not in _WORDS:
        return text
    return '"' + _UNPRINTABLE.sub(_escape, text) + '"'


def _escape(match: re.Match[str]) -> str:
    character = match.group()
    return "\\" + character if character in '"\\' else {"\n": "\\n", "\t": "\\t", "\r": "\\r"}.get(character, f"\\u{ord(character):04x}")


def _map(lines: List[_Line]) -> Dict[str, Entry]:
    entries: Dict[str, Entry] = {}
    current: Optional[Entry] = None
    indent: Optional[int] = None
    for line in lines:
        if line.is_blank:
            # A blank line may be part of a literal block, and a comment is none there.
            if current is not None:
                current.below.append(line)
            continue
        if indent is None:
            indent = line.indent
        # A list may stand as far left as its key.
        if current is not None and (line.indent > indent or (line.indent == indent and not current.inline and re.match(r"-( |$)", line.text[indent:]))):
            current.below.append(line)
            continue
        found = _KEY.fullmatch(line.text[indent:].rstrip()) if line.indent == indent else None
        if found is None:
            raise YamlError(line.number, "`key: value` is expected here")
        current = Entry(found.group(1), line.number, (found.group(2) or "").strip(), [], indent)
        if current.inline.startswith("#"):
            current.inline = ""
        if current.key in entries:
            raise YamlError(line.number, f"{current.key} stands here twice")
        entries[current.key] = current
    return entries


def _without_comment(value: str) -> str:
    return re.sub(r"(^|\s)#.*", "", value).strip()


def _quoted(value: str, line: int) -> str:
    pattern = r"'((?:[^']|'')*)'\s*(#.*)?" if value[0] == "'" else r'"((?:[^"\\]|\\.)*)"\s*(#.*)?'
    found = re.fullmatch(pattern, value)
    if found is None:
        raise YamlError(line, "this quoted text has no end on its line, or something follows it")
    if value[0] == "'":
        return found.group(1).replace("''", "'")
    return _ESCAPE.sub(lambda match: _unescape(match.group(1), line), found.group(1))


def _unescape(code: str, line: int) -> str:
    if len(code) > 1:
        number = int(code[1:], 16)
        if number > 0x10FFFF or 0xD800 <= number <= 0xDFFF:
            raise YamlError(line, f"\\{code} is no character")
        return chr(number)
    if code not in _ESCAPES:
        raise YamlError(line, f"\\{code} means nothing in a quoted text")
    return _ESCAPES[code]
