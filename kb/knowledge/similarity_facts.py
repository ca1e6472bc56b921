"""What an entry states in words or figures, made comparable: scales, devices, sites, groups of people, annotators.

Words that can't be read with certainty give nothing: such a fact is not compared, which is no mismatch.
"""

from __future__ import annotations

import math
import re
from collections.abc import Container, Iterable, Mapping
from typing import NamedTuple

from kb.knowledge.entries import DatasetEntry
from kb.knowledge.entry_base import Unit
from kb.knowledge.folding import fold
from kb.knowledge.verdicts import whole_counts

Values = Mapping[str, frozenset[str]]
Refs = tuple[str, ...]

PIXEL_SPACING = "pixel spacing in mm"
MAGNIFICATION = "magnification"
SIDE = "pixels a side"
#: Kinds of item that figures count.
ITEMS = ("images", "volumes, videos or slides")
#: Kinds of scale from the one that says most; only equal kinds are compared.
SCALES = (PIXEL_SPACING, MAGNIFICATION, SIDE)

_SIZE = r"(\d{1,6})"
_BY = r"\s*[x×*,]\s*"
_PAIR = re.compile(
    rf"[(\[]?\s*{_SIZE}\s*(?:pixels)?{_BY}{_SIZE}(?:{_BY}{_SIZE})?(?:{_BY}\d+)?\s*[)\]]?(?:\s*pixels)?(?:\s*\(.*)?"
)
_MM = r"(\d{0,4}\.?\d{1,12})"
_SPACING = re.compile(rf"[(\[]?\s*{_MM}{_BY}{_MM}{_BY}{_MM}\s*[)\]]?(?:\s*mm.*)?")
_TIMES = re.compile(r"(\d{1,4}(?:\.\d{1,4})?)\s?(?:[x×](?![\w.])|-fold\b)")
#: Two spacings of one volume that differ by less are the two inside its slices.
_IN_PLANE = 0.05
#: No scale is larger; what claims to be is a slip.
_LARGEST = 10**9

_MAKERS = (
    "3dhistech", "aperio", "canon", "cellavision", "fujifilm", "ge", "hamamatsu", "heidelberg", "hologic", "kowa", "leica",
    "nidek", "olympus", "omnyx", "philips", "precipoint", "siemens", "sigma", "topcon", "toshiba", "ventana", "zeiss",
)  # fmt: skip
_NAMED: Mapping[str, Mapping[str, str]] = {
    "maker": {name: rf"\b{name}\b" for name in _MAKERS},
    "view": {"frontal": r"\bfrontal", "lateral": r"\blateral", "PA": r"\bpa\b", "AP": r"\bap\b"},
    "contrast phase": {
        "without contrast": r"without contrast|non-contrast|unenhanced",
        "with contrast": r"with (?:and without )?contrast|(?:post|after) ?-?contrast|(?:contrast|gadolinium)-enhanced",
        "arterial": r"\barterial\b",
        "venous": r"\bvenous\b",
        "corticomedullary": r"\bcorticomedullary\b",
        "nephrographic": r"\bnephro(?:genic|graphic)\b",
    },
    "sequence": {
        "T1": r"\bt1\b", "T2": r"\bt2\b", "FLAIR": r"\bflair\b", "diffusion": r"\bdiffusion|\bdwi\b",
        "proton density": r"\bproton density\b", "susceptibility": r"\bswi\b|\bsusceptibility",
    },
    "stain": {
        "H&E": r"\bh&e\b|\bha?ematoxylin", "Giemsa": r"giemsa", "DAPI": r"\bdapi\b",
        "immunohistochemistry": r"\bimmunohistochem|\bihc\b",
    },
    "dose": {"low": r"\blow[- ]dose\b"},
}  # fmt: skip
_TESLA = re.compile(r"\b(\d(?:\.\d+)?)\s?T\b")
_WITHOUT_YEARS = re.compile(r"\([^)]*\)|\b(?:january|february|march|april|may|june|july|august|september|october|november|december)?\s*(?:19|20)\d\d(?:\s*(?:to|-|–|and)\s*\w*\s*(?:19|20)\d\d)?", re.IGNORECASE)  # fmt: skip
_SAME_WORDS = {
    "centre": "center", "nih": "national institutes of health", "umc": "university medical center",
    "radboudumc": "radboud university medical center",
}  # fmt: skip
_NO_NAME = re.compile(r"(?:an?|annotated|department\w*|file|many|through)\b", re.IGNORECASE)
_SETTINGS = {
    "screening": r"\bscreening\b", "emergency": r"\bemergency\b", "inpatients": r"\binpatient", "outpatients": r"\boutpatient",
}  # fmt: skip
_SEXES = {"female": r"\b(?:females?|women|woman)\b", "male": r"\b(?:males?|men|man)\b"}
_AGES = (("under 18 years", 0, 17), ("18 to 64 years", 18, 64), ("65 years and over", 65, 200))
_YEARS = re.compile(r"\b(\d{1,3})\s*(?:to|-|–)\s*(\d{1,3})\b(?!\s*months)")
_CHILDREN = re.compile(r"\bchildren\b|\bpa?ediatric\b")
_EXPERTISE = {
    "radiologist": r"radiolog|mammograph", "pathologist": r"patholog|cytolog|haematolog|hematolog",
    "dermatologist": r"dermatolog", "ophthalmologist": r"ophthalm|optometr|glaucoma specialist|retina specialist",
    "cardiologist": r"cardiolog|echocardiograph", "surgeon": r"surgeon", "sonographer": r"sonograph",
    "oncologist": r"oncolog", "endoscopist": r"endoscop|gastroenterolog", "neurologist": r"\bneurolog",
    "physician": r"physician|clinician|medical doctor", "student": r"student", "crowd worker": r"mechanical turk|crowd",
    "computer scientist": r"computer scien|engineer",
}  # fmt: skip


class Scale(NamedTuple):
    """Scales of the images by kind, and the references they rest on."""

    values: Mapping[str, frozenset[float]]
    refs: Refs


def scales(entry: DatasetEntry) -> Scale:
    """Scales of the released images, by kind: from the form, else from facts stated in figures."""
    found: dict[str, set[float]] = {}
    refs: list[str] = []

    def add(kind: str, value: float | None, said: Refs) -> None:
        if value:
            found.setdefault(kind, set()).add(float(min(value, _LARGEST)))
            refs.extend(said)

    for form in [form for form in entry.form if form.stage == "released"] or entry.form:
        add(PIXEL_SPACING, form.pixel_mm, form.refs)
        add(MAGNIFICATION, form.magnification, form.refs)
        add(SIDE, max(form.width or 0, form.height or 0), form.refs)
    from_form = set(found)
    for fact in entry.facts:
        if fact.attribute == "image-size" and SIDE not in from_form:
            add(SIDE, _side(fact.value), fact.refs)
        elif fact.attribute == "spacing" and PIXEL_SPACING not in from_form:
            add(PIXEL_SPACING, _in_plane(fact.value), fact.refs)
        elif fact.attribute == "magnification" and MAGNIFICATION not in from_form:
            for number in _TIMES.findall(fact.value):
                add(MAGNIFICATION, float(number), fact.refs)
    return Scale({kind: frozenset(values) for kind, values in found.items()}, tuple(dict.fromkeys(refs)))


def _side(text: str) -> float | None:
    """Longer side in pixels; of three sizes the equal two are those of a slice."""
    if not (match := _PAIR.fullmatch(text.strip())):
        return None
    sizes = [int(size) for size in match.groups() if size]
    for size in sizes:
        if len(sizes) == 3 and sizes.count(size) > 1:
            return size
    return max(sizes[:2])


def _in_plane(text: str) -> float | None:
    """Spacing inside a slice: of three spacings the two that agree; None where none do."""
    if not (match := _SPACING.fullmatch(text.strip())):
        return None
    low, middle, high = sorted(float(number) for number in match.groups())
    near = [(a, b) for a, b in ((low, middle), (middle, high)) if a > 0 and b / a - 1 <= _IN_PLANE]
    return (near[0][0] + near[0][1]) / 2 if near else None


def acquisition(entry: DatasetEntry) -> dict[str, frozenset[str]]:
    """Makers, field strengths, views, contrast phases, sequences, stains and dose that facts name."""
    texts = [fact.value for fact in entry.facts if fact.attribute in ("device", "protocol")]
    found = {name: _named(texts, words) for name, words in _NAMED.items()}
    found["field strength"] = frozenset(f"{float(t):g} T" for text in texts for t in _TESLA.findall(text))
    return {name: values for name, values in found.items() if values}


def sites(entry: DatasetEntry) -> dict[str, frozenset[str]]:
    """Institutions and places by name, countries, and care settings."""
    found = {
        "institution": frozenset(
            name for fact in entry.facts if fact.attribute == "site-names" for name in _institutions(fact.value)
        ),
        "country": frozenset(
            name
            for fact in entry.facts
            if fact.attribute == "country"
            for part in fact.value.split(";")
            if (name := fold(_WITHOUT_YEARS.sub("", part)).strip()) and len(name.split()) <= 4 and not _NO_NAME.match(name)
        ),
        "care setting": _named((f.value for f in entry.facts if f.attribute == "care-setting"), _SETTINGS),
    }  # fmt: skip
    return {kind: names for kind, names in found.items() if names}


def _institutions(text: str) -> Iterable[str]:
    for part in re.split(r"[;,]", _WITHOUT_YEARS.sub("", text)):
        if re.search(r"[A-Z]\w", part) and not _NO_NAME.match(part.strip()):
            words = re.findall(r"[\w&'-]+", fold(part).replace("’", "'"))
            yield " ".join(_SAME_WORDS.get(word, word) for word in words)


def groups(entry: DatasetEntry) -> frozenset[tuple[str, str]]:
    """Groups of people of whom the dataset has any; none for a dataset that is not of patients."""
    if entry.domain != "medical":
        return frozenset()
    found: set[tuple[str, str]] = set()
    for share in entry.population:
        name = fold(share.group)
        if share.attribute == "age" and _bands(name):
            found |= _bands(name)
        elif (
            share.attribute != "severity" and (share.n or share.percent) and name not in ("unknown", "other")
        ):
            found.add((share.attribute, name))
    for fact in entry.facts:
        if fact.attribute == "sex":
            found |= {("sex", sex) for sex in _named([fact.value], _SEXES)}
        elif fact.attribute == "age":
            found |= _bands(fold(fact.value))
    return frozenset(found)


def _bands(text: str) -> set[tuple[str, str]]:
    """Age bands that a span of years, or a word for children, reaches into."""
    spans = [(int(low), int(high)) for low, high in _YEARS.findall(text)]
    spans += [(0, 17)] if _CHILDREN.search(text) else []
    return {("age", name) for name, low, high in _AGES for a, b in spans if a <= high and b >= low}


def annotation(entry: DatasetEntry) -> dict[str, frozenset[str]]:
    """Labelling method, annotators for an item, and the professions that are named."""
    found = {
        "method": frozenset(one.method for one in entry.labelling if one.method != "mixed"),
        "annotators for an item": frozenset(str(one.annotators) for one in entry.labelling if one.annotators),
        "profession": _named((one.expertise for one in entry.labelling if one.expertise), _EXPERTISE),
    }
    return {name: values for name, values in found.items() if values}


def figures(entry: DatasetEntry, proportions: tuple[float, ...]) -> dict[str, float]:
    """Summary figures on a common scale: decimal logarithms of counts, and evenness of the classes from 0 to 1.

    Single images and whole series are counted apart: a slice is not a volume.
    """
    counts = {"patients": max((count.n for count in whole_counts(entry, people=True)), default=0)}
    dimensions = {one.value for one in entry.dimensions}
    for count in whole_counts(entry, people=False):
        if name := _item(count.unit, dimensions):
            counts[name] = max(counts.get(name, 0), count.n)
    counts["classes"] = max((one.n or len(one.names) for one in entry.classes), default=0)
    found = {name: math.log10(n) for name, n in counts.items() if n}
    if len(proportions) > 1:
        entropy = -math.fsum(share * math.log(share) for share in proportions if share)
        found["evenness of classes"] = entropy / math.log(len(proportions))
    return found


def _item(unit: Unit, dimensions: Container[str]) -> str | None:
    """What kind of item a unit counts; a unit that is not stated is read off the one dimension there is."""
    if unit in ("unstated", "samples"):
        if dimensions == {"2D"}:
            return ITEMS[0]
        return ITEMS[1] if dimensions in ({"3D"}, {"3D+t"}) else None
    if unit in ("images", "patches", "tiles", "frames", "rois"):
        return ITEMS[0]
    return ITEMS[1] if unit in ("volumes", "scans", "exams", "studies", "videos", "slides") else None


def _named(texts: Iterable[str], words: Mapping[str, str]) -> frozenset[str]:
    """Names whose pattern occurs in any of the texts."""
    folded = [fold(text) for text in texts]
    return frozenset(name for name, word in words.items() if any(re.search(word, text) for text in folded))
