"""Splitting: every chunk fits, nothing is lost, whole units stay whole where they fit."""

from __future__ import annotations

import math
import random
import re

import pytest

from embeddings import Chunking
from embeddings.indexing.chunks import split

WORDS = ["Dr.", "heart", "doctor's", "naïve", "Zürich", "漢字", "мир!", "(really)", "e\u0301te\u0301", "👨", "end."]
UNITS = ("paragraphs", "sentences", "words")


def count(text: str) -> int:
    """As a provider without a tokenizer estimates."""
    return math.ceil(len(text.encode("utf-8", "replace")) / 3)


def chunks_of(text: str, by: str = "sentences", max_tokens: int = 40, overlap_tokens: int = 0, model_tokens: int = 8192) -> list[str]:
    chunking = Chunking(by=by, max_tokens=max_tokens, overlap_tokens=overlap_tokens)  # type: ignore[arg-type]
    return split(text, chunking, max_tokens=model_tokens, count_tokens=count)


def bare(text: str) -> str:
    return re.sub(r"\s+", "", text)


def random_text(seed: int) -> str:
    """Words, each once, some of them longer than any chunk, and every kind of white space."""
    chance = random.Random(seed)
    spaces = [" "] * 20 + ["\n", "\n\n", " \n \n", "", "  ", "\r\n\r\n", "\t"]
    long = "".join(chr(chance.randrange(0x4E00, 0x9FFF)) for _ in range(200))
    words = [chance.choice([*WORDS, long[: chance.randrange(200)]]) + f"{number}." * chance.randrange(2) for number in range(400)]
    return "".join(word + chance.choice(spaces) for word in words[: chance.randrange(1, 400)]).strip()


def assert_nothing_is_lost(chunks: list[str], text: str) -> None:
    """Each chunk begins at or before the end of the one before it, and ends after that."""
    whole, reached = bare(text), 0
    for chunk in map(bare, chunks):
        begins = [at for at in range(max(0, reached - len(chunk) + 1), reached + 1) if whole.startswith(chunk, at)]
        assert begins, f"{chunk[:30]!r} leaves something out"
        reached = begins[-1] + len(chunk)
    assert reached == len(whole)


@pytest.mark.parametrize("by", UNITS)
@pytest.mark.parametrize("overlap", [0, 5, 20])
def test_every_chunk_fits_and_nothing_is_lost(by: str, overlap: int) -> None:
    for seed in range(150):
        text = random_text(seed)
        chunks = chunks_of(text, by, overlap_tokens=overlap)
        assert max(map(count, chunks)) <= 40
        assert all(chunk == chunk.strip() and chunk for chunk in chunks)
        assert_nothing_is_lost(chunks, text)
        if not overlap:
            assert bare("".join(chunks)) == bare(text)


def test_what_fits_is_one_chunk_with_its_own_white_space() -> None:
    text = "One line.\n\n    indented\tand tabbed"
    assert chunks_of(text) == [text]


def test_a_chunk_keeps_the_white_space_within_it() -> None:
    text = "First line\n    code\n\n" + "x" * 60 + ". " + "y" * 60 + "."
    assert chunks_of(text)[0] == "First line\n    code\n\n" + "x" * 60 + "."


def test_the_models_own_maximum_counts_where_it_is_lower() -> None:
    text = "word " * 100
    assert max(map(count, chunks_of(text, model_tokens=20))) <= 20
    assert max(map(count, chunks_of(text))) > 20


def test_the_defaults_are_8000_tokens_with_100_of_overlap() -> None:
    sentences = [f"Sentence number {number} speaks of many things." for number in range(3000)]
    chunks = split(" ".join(sentences), Chunking(), max_tokens=8192, count_tokens=count)
    assert 7900 < count(chunks[0]) <= 8000
    overlap = [sentence for sentence in sentences if sentence in chunks[0] and sentence in chunks[1]]
    assert 80 < count(" ".join(overlap)) <= 100
    assert chunks[1].startswith(overlap[0]) and chunks[0].endswith(overlap[-1])


@pytest.mark.parametrize("by", ["sentences", "paragraphs"])
def test_sentences_stay_whole_where_they_fit(by: str) -> None:
    chance = random.Random(1)
    sentences = [" ".join(["word"] * chance.randrange(1, 20)) + f" {number}." for number in range(300)]
    for overlap in (0, 20):
        chunks = chunks_of(" ".join(sentences), by, overlap_tokens=overlap)
        assert all(any(sentence in chunk for chunk in chunks) for sentence in sentences)
        assert all(chunk.endswith(".") for chunk in chunks)


def test_paragraphs_stay_whole_where_they_fit_and_only_longer_ones_are_split_on_sentences() -> None:
    short = [f"Paragraph {number}. It has two sentences, and fits into a chunk." for number in range(20)]
    long = " ".join(f"Long paragraph, sentence {number}." for number in range(10))
    for overlap in (0, 10):
        chunks = chunks_of("\n\n".join([*short, long, *short]), "paragraphs", overlap_tokens=overlap)
        assert all(any(paragraph in chunk for chunk in chunks) for paragraph in short)
        assert all(any(f"Long paragraph, sentence {number}." in chunk for chunk in chunks) for number in range(10))


def test_a_sentence_that_is_too_long_is_split_on_words_and_a_word_on_characters() -> None:
    assert all(set(chunk.split()) == {"word"} for chunk in chunks_of("word " * 200))
    pieces = chunks_of("x" * 100_000, max_tokens=1000)
    assert (len(pieces), "".join(pieces)) == (34, "x" * 100_000)


def test_text_without_spaces_ends_its_chunks_at_wide_full_stops() -> None:
    chunks = chunks_of("我今天去看医生。" * 50, overlap_tokens=10)
    assert all(chunk.endswith("。") for chunk in chunks)
    assert all(chunk.startswith("我") for chunk in chunks)


@pytest.mark.parametrize("character", ["e\u0301", "👨‍👩‍👧", "漢"])
def test_what_belongs_to_one_character_is_not_torn(character: str) -> None:
    assert all(chunk.replace(character, "") == "" for chunk in chunks_of(character * 500, overlap_tokens=10))


def test_half_a_surrogate_pair_breaks_nothing() -> None:
    assert "".join(chunks_of("\ud800" * 500)) == "\ud800" * 500


@pytest.mark.parametrize("by", UNITS)
def test_a_desert_of_newlines_is_no_chunk(by: str) -> None:
    assert chunks_of("a" + "\n" * 100_000 + "b", by, overlap_tokens=10) == ["a", "b"]


def test_the_overlap_gives_way_to_the_next_whole_sentence() -> None:
    first, long = "w " * 40 + "end.", "v" * 116 + "."
    assert chunks_of(f"{first} Short one. {long}", overlap_tokens=10) == [f"{first} Short one.", long]
    assert chunks_of(f"{first} Short one. {'v' * 88}. Next", overlap_tokens=10)[1] == f"Short one. {'v' * 88}. Next"


def test_the_overlap_is_of_whole_words_where_no_whole_sentence_fits_it() -> None:
    text = " ".join(f"word{number}" for number in range(100)) + "."
    first, second = chunks_of(text, overlap_tokens=10)[:2]
    overlap = [word for word in second.split() if word in first.split()]
    assert overlap and second.startswith(" ".join(overlap)) and first.endswith(" ".join(overlap))


def test_a_torn_word_overlaps_by_characters() -> None:
    text = "".join(f"{number:04}" for number in range(1000))
    first, second = chunks_of(text, overlap_tokens=10)[:2]
    assert first.endswith(second[:30])


def test_five_megabytes_are_counted_a_few_times_only() -> None:
    """A bound on the work, not on the time: quadratic counting would be thousands of times the text."""
    counted = 0

    def counting(text: str) -> int:
        nonlocal counted
        counted += len(text)
        return len(text) // 3 + 1

    for text in ("Some words make a sentence. " * 180_000, "x" * 5_000_000, "\n" * 2_000_000 + "x y " * 700_000):
        counted = 0
        split(text, Chunking(), max_tokens=8192, count_tokens=counting)
        assert counted < 60 * len(text)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"by": "pages"}, "split by sentences, paragraphs, words, not by 'pages'"),
        ({"max_tokens": 9}, "max_tokens must be at least 10, not 9"),
        ({"max_tokens": 100.0}, "max_tokens must be a whole number, not 100.0"),
        ({"max_tokens": True}, "max_tokens must be a whole number, not True"),
        ({"overlap_tokens": -1}, "overlap_tokens must be from 0 to half of max_tokens"),
        ({"max_tokens": 100, "overlap_tokens": 51}, r"half of max_tokens \(50\), not 51"),
    ],
)
def test_an_impossible_chunking_is_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Chunking(**options)  # type: ignore[arg-type]
