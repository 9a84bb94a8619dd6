"""Long content in chunks: whole sentences (or paragraphs, or words) within the model's tokens, with some overlap.

A wrong end of a sentence ("Dr. Smith") costs nothing where it only says where one chunk of thousands of words may end, and the overlap
covers it: no reason for a library that knows languages.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator

from embeddings.registering.chunking import Chunking, Unit

STOPS = ".!?\u2026\u0964\u061f\u06d4"
"""Those of Hindi, Arabic and Urdu included."""
CLOSING = "\"'\u201d\u2019\u00bb)\\]"
WIDE_STOPS = "\u3002\uff01\uff1f\uff61"
"""Chinese and Japanese: no space follows them."""
WIDE_CLOSING = "\u300d\u300f\u201d\u2019\uff09"

# Each matches the white space between two units, which is none after a wide stop.
PARAGRAPH_END = re.compile(r"\n[^\S\n]*\n\s*")
SENTENCE_END = re.compile(
    rf"(?<=[{STOPS}])\s+|(?<=[{STOPS}][{CLOSING}])\s+|\n\s*"
    rf"|(?<=[{WIDE_STOPS}])(?![{WIDE_CLOSING}{WIDE_STOPS}])|(?<=[{WIDE_STOPS}][{WIDE_CLOSING}])"
)
WORD_END = re.compile(r"\s+")
ENDS: dict[Unit, tuple[re.Pattern[str], ...]] = {
    "paragraphs": (PARAGRAPH_END, SENTENCE_END, WORD_END),
    "sentences": (SENTENCE_END, WORD_END),
    "words": (WORD_END,),
}
LOOK_AHEAD = 100
"""Characters behind a window that a match may reach into."""
JOINER = "\u200d"


def split(text: str, chunking: Chunking, *, max_tokens: int, count_tokens: Callable[[str], int]) -> list[str]:
    """The text whole, where it fits; else pieces of it in their order, which together leave out nothing but white space.

    `count_tokens` must not shrink as a text grows. The time is linear in the text.
    """
    limit = min(chunking.max_tokens, max_tokens)
    if count_tokens(text) <= limit:
        return [text]
    overlap = min(chunking.overlap_tokens, limit // 2)
    return list(_Splitter(text, ENDS[chunking.by], limit=limit, overlap=overlap, count_tokens=count_tokens).chunks())


class _Splitter:
    """Looks at one window of the text at a time: what fits from where a chunk begins, and the last end of a unit in it."""

    def __init__(
        self, text: str, ends: tuple[re.Pattern[str], ...], *, limit: int, overlap: int, count_tokens: Callable[[str], int]
    ) -> None:
        self.text, self.ends, self.limit, self.overlap, self.count_tokens = text, ends, limit, overlap, count_tokens

    def chunks(self) -> Iterator[str]:
        begin = self._skip_space(0)
        end = begin
        while end < len(self.text):
            end, is_torn = self._end(begin, beyond=end)
            yield self.text[begin:end].rstrip()
            end = self._skip_space(end)
            begin = self._begin(begin, end, is_torn=is_torn)

    def _end(self, begin: int, *, beyond: int) -> tuple[int, bool]:
        """Where the chunk that begins here ends: at the end of the largest unit that fits and is new; and whether that tears a word."""
        fitting = self._fitting(begin)
        if fitting == len(self.text):
            return fitting, False
        for pattern in self.ends:
            found = [at for at in self._unit_ends(pattern, beyond, fitting) if at > beyond]
            if found:
                return found[-1], False
        return self._between_characters(max(fitting, beyond + 1), beyond + 1), True

    def _begin(self, begin: int, end: int, *, is_torn: bool) -> int:
        """Where the next chunk begins: as far before `end` as the overlap allows and the next whole unit, where it fits, still fits.

        It begins with whole units, words at least, but for a word that is torn anyway; and never with all of the chunk before.
        """
        if not self.overlap or end == len(self.text) or self._count(begin, end) <= self.overlap:
            return end
        earliest = self._earliest(begin, end, self.overlap)
        unit_end = self._next_unit_end(end)
        if unit_end > end and self._count(earliest, unit_end) > self.limit:
            earliest = self._earliest(earliest, unit_end, self.limit)
        for pattern in self.ends:
            match = next((match for match in pattern.finditer(self.text, max(earliest - 1, 0), end) if earliest <= match.end() < end), None)
            if match:
                return match.end()
        return self._between_characters(earliest, earliest, step=1) if is_torn else end

    def _next_unit_end(self, begin: int) -> int:
        """The end of the largest unit that begins here and fits a chunk; `begin` where none does."""
        fitting = self._fitting(begin)
        if fitting == len(self.text):
            return fitting
        for pattern in self.ends:
            found = next((at for at in self._unit_ends(pattern, begin, fitting) if at > begin), None)
            if found:
                return found
        return begin

    def _unit_ends(self, pattern: re.Pattern[str], begin: int, fitting: int) -> Iterator[int]:
        """Where units end that are within the window."""
        for match in pattern.finditer(self.text, begin, min(fitting + LOOK_AHEAD, len(self.text))):
            if match.start() > fitting:
                return
            yield match.start()

    def _fitting(self, begin: int) -> int:
        """The most characters from here that fit."""
        low, size = begin, self.limit
        high = min(begin + size, len(self.text))
        while self._count(begin, high) <= self.limit:
            if high == len(self.text):
                return high
            low, size = high, size * 2
            high = min(begin + size, len(self.text))
        return low + bisect_right(range(low + 1, high), self.limit, key=lambda end: self._count(begin, end))

    def _earliest(self, begin: int, end: int, tokens: int) -> int:
        """The fewest characters before `end`, not before `begin`, from which it is at most so many tokens."""
        low = max(begin, end - self._reach(begin, end, tokens))
        return low + bisect_left(range(low, end), -tokens, key=lambda at: -self._count(at, end))

    def _reach(self, begin: int, end: int, tokens: int) -> int:
        """So many characters before `end` are more than the tokens, or all there are."""
        size = tokens
        while end - size > begin and self._count(end - size, end) <= tokens:
            size *= 2
        return size

    def _count(self, begin: int, end: int) -> int:
        return self.count_tokens(self.text[begin:end])

    def _skip_space(self, at: int) -> int:
        match = WORD_END.match(self.text, at)
        return match.end() if match else at

    def _between_characters(self, at: int, least: int, *, step: int = -1) -> int:
        """A place near `at` where no accent or joined emoji is torn from what it belongs to, if there is one."""
        for place in range(at, at + step * LOOK_AHEAD, step):
            if not least <= place < len(self.text):
                break
            following = self.text[place]
            if not (unicodedata.combining(following) or following in (JOINER, "\ufe0f") or self.text[place - 1] == JOINER):
                return place
        return at
