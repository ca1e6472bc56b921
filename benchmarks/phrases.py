"""How well expressions of likeness are found and resolved, side by side with two baselines.

    python -m benchmarks.phrases [--part development|test] [--wrong]

Needs a built generation (`whence build`), whose weights were fitted on the training and calibrated on the development sentences.
Baselines: the longest wording of the phrase list at each place, with its first sense; and, given the labelled stretches, the sense
whose definition is nearest to stretch and sentence by the encoder. The test part is for measuring only: choose nothing by it.
"""

from __future__ import annotations

import argparse
import os
import platform
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from kb.answers.knowledge_base import KnowledgeBase
from kb.answers.resolver_fit import overlap
from kb.knowledge.cues import stems, words_of
from kb.knowledge.resolver import Resolver
from kb.knowledge.sentences import Labelled, LabelledSentence, read_sentences
from kb.settings import read_settings

_MATCH = 0.5  # of characters: shared by those of either


class Found(NamedTuple):
    """One expression of an answer: its place and its senses with confidences, likeliest first."""

    start: int
    end: int
    senses: list[tuple[str, float]]
    negated: bool = False
    asks: bool = False


Answer = Callable[[LabelledSentence], list[Found]]


def ours(resolver: Resolver) -> Answer:
    """The resolver."""

    def answer(sentence: LabelledSentence) -> list[Found]:
        return [
            Found(one.start, one.end, [(r.name, r.confidence) for r in one.senses], one.negated, one.question is not None)
            for one in resolver.resolve(sentence.text, sentence.context)
        ]  # fmt: skip

    return answer


def phrase_list(base: KnowledgeBase) -> Answer:
    """Longest wording of the list at each place, each of its senses half as sure as the one before."""
    phrases = {stems(phrase.phrase): phrase for phrase in base.resolver.phrases}
    longest = max(map(len, phrases))

    def answer(sentence: LabelledSentence) -> list[Found]:
        words, found, place = words_of(sentence.text), [], 0
        while place < len(words):
            for length in range(longest, 0, -1):
                phrase = phrases.get(tuple(word.stem for word in words[place : place + length]))
                if phrase and place + length <= len(words):
                    end = words[place + length - 1].end
                    senses = [(name, 0.5**rank) for rank, name in enumerate(phrase.senses)]
                    found.append(Found(words[place].start, end, senses))
                    place += length - 1
                    break
            place += 1
        return found

    return answer


def nearest_definition(base: KnowledgeBase) -> Answer:
    """The labelled stretches, each with the senses whose definitions are nearest to it and its sentence."""
    notes = list(base.resolver.senses.values())
    definitions = base.encoder.encode([f"{note.label}: {note.definition}" for note in notes])

    def answer(sentence: LabelledSentence) -> list[Found]:
        found = []
        for one in sentence.expressions:
            vector = base.encoder.encode([f"{one.text}: {sentence.text}"])[0]
            scores = definitions @ vector
            order = np.argsort(-scores)[:5]
            found.append(
                Found(one.start, one.end, [(notes[row].name, max(0.0, float(scores[row]))) for row in order])
            )
        return found

    return answer


class Pair(NamedTuple):
    """A labelled expression and what was found there."""

    sentence: LabelledSentence
    label: Labelled
    found: Found | None


def pairs(sentences: Sequence[LabelledSentence], answers: Sequence[list[Found]]) -> Iterator[Pair]:
    """Each labelled expression with the found one that shares most of its characters, if at least half."""
    for sentence, found in zip(sentences, answers, strict=True):
        free = list(found)
        for label in sentence.expressions:
            share = [overlap((one.start, one.end), (label.start, label.end)) for one in free]
            best = int(np.argmax(share)) if share else -1
            hit = free.pop(best) if share and share[best] >= _MATCH else None
            yield Pair(sentence, label, hit)


def calibration_error(confidences: Sequence[float], right: Sequence[bool]) -> float:
    """Expected calibration error over ten bins of equal width (Guo and others 2017, arXiv 1706.04599)."""
    bins = np.minimum((np.array(confidences) * 10).astype(int), 9)
    hits, sure = np.array(right, dtype=float), np.array(confidences)
    return float(
        sum(
            (bins == number).mean() * abs(hits[bins == number].mean() - sure[bins == number].mean())
            for number in set(bins.tolist())
        )
    )


def report(name: str, sentences: Sequence[LabelledSentence], answers: Sequence[list[Found]]) -> list[Pair]:
    """Print one line of figures; return what was matched."""
    matched = list(pairs(sentences, answers))
    hits = [(pair.label, pair.found) for pair in matched if pair.found]
    total = sum(map(len, answers))
    silent = [found for sentence, found in zip(sentences, answers, strict=True) if not sentence.expressions]
    first = [label.senses[0] == found.senses[0][0] for label, found in hits]
    three = [label.senses[0] in [sense for sense, _ in found.senses[:3]] for label, found in hits]
    accepted = [found.senses[0][0] in label.senses for label, found in hits]
    exact = sum((label.start, label.end) == (found.start, found.end) for label, found in hits)
    error = calibration_error([found.senses[0][1] for _, found in hits], first)
    polarity = np.mean([label.negated == found.negated for label, found in hits])
    interval = np.percentile(
        [np.mean(np.random.default_rng(seed).choice(first, len(first))) for seed in range(2000)], [2.5, 97.5]
    )
    print(
        f"{name:<22} P {len(hits) / max(1, total):.3f}  R {len(hits) / len(matched):.3f}  exact {exact / len(matched):.3f}  "
        f"top-1 {np.mean(first):.3f} [{interval[0]:.3f}, {interval[1]:.3f}]  top-3 {np.mean(three):.3f}  "
        f"accepted {np.mean(accepted):.3f}  found and right {sum(first) / len(matched):.3f}  ECE {error:.3f}  "
        f"polarity {polarity:.3f}  false alarms {sum(map(bool, silent))}/{len(silent)}"
    )
    return matched


def main() -> None:
    """Print figures, confusions and times."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--part", choices=["train", "development", "test"], default="development")
    parser.add_argument("--wrong", action="store_true", help="print each wrong answer")
    arguments = parser.parse_args()
    settings = read_settings()
    base = KnowledgeBase.open(settings)
    sentences = read_sentences(settings.data / "phrases" / "sentences" / f"{arguments.part}.yaml")
    print(
        f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}; part {arguments.part}:"
    )
    labelled = sum(len(one.expressions) for one in sentences)
    print(
        f"{len(sentences)} sentences, {labelled} expressions, {sum(not one.expressions for one in sentences)} without"
    )
    resolve = ours(base.resolver)
    resolve(sentences[0])
    times, answers = [], []
    for sentence in sentences:
        started = time.perf_counter()
        answers.append(resolve(sentence))
        times.append(1000 * (time.perf_counter() - started))
    matched = report("resolver", sentences, answers)
    report("longest in phrase list", sentences, [phrase_list(base)(one) for one in sentences])
    nearest = nearest_definition(base)
    report("nearest definition*", sentences, [nearest(one) for one in sentences])
    print("* is given the labelled stretches, so only its senses are measured")
    print(
        f"resolver, ms per sentence: p50 {np.percentile(times, 50):.1f}, p95 {np.percentile(times, 95):.1f}"
    )
    asked = Counter((pair.label.settled, pair.found.asks) for pair in matched if pair.found)
    print(
        f"question asked where the label says it has to be: {asked[False, True]} of {asked[False, True] + asked[False, False]}; "
        f"where it says settled: {asked[True, True]} of {asked[True, True] + asked[True, False]}"
    )
    confused = Counter(
        (pair.label.senses[0], pair.found.senses[0][0])
        for pair in matched
        if pair.found and pair.found.senses[0][0] != pair.label.senses[0]
    )
    print("\nlabelled, taken for, times")
    for (label, found), times_ in confused.most_common():
        print(f"  {label}, {found}, {times_}")
    if arguments.wrong:
        for pair in matched:
            if pair.found is None:
                print(f"not found: {pair.sentence.id} {pair.label.text!r} in {pair.sentence.text}")


if __name__ == "__main__":
    main()
