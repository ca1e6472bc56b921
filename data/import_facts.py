"""One-off: turn the gathered facts (catalog_facts.jsonl) into entries, data/datasets/*.yaml.

    python data/import_facts.py FACTS_FOLDER

Kept in the history of the repository only; the YAML files are the source from then on. What it does:
- takes every imaging and image-text record, medical and natural;
- maps raw terms by data/terms/<facet>.tsv; a term without a concept stays in the entry as `unmapped`;
- leaves out every value marked suspect upstream and writes them to data/terms/left_out.tsv with the reason;
- gives each value the list rows that have it: a raw term the rows of those lists that use the term.
"""

from __future__ import annotations

import csv
import itertools
import json
import re
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

from kb.knowledge.entries import FACETS, DatasetEntry
from kb.knowledge.entry_yaml import to_yaml
from kb.knowledge.vocabulary import Vocabulary, load_ontology

DATA = Path(__file__).resolve().parent
UNITS = {
    "images": "images", "image": "images", "volumes": "volumes", "samples": "samples", "patches": "patches",
    "subjects": "subjects", "patients": "patients", "xrays": "images", "x-rays": "images", "radiographs": "images",
    "scans": "scans", "mris": "scans", "cts": "scans", "rois": "rois", "roi": "rois", "slides": "slides",
    "tiles": "tiles", "videos": "videos", "segments": "segments", "exams": "exams",
}  # fmt: skip
RELATIONS = {
    "derived_from": "derived-from", "subset_of": "subset-of", "part_of": "part-of", "overlaps": "overlaps-with",
    "same_as": "same-as", "synthetic_of": "synthetic-of", "companion_of": "companion-of",
}  # fmt: skip
SPDX = [
    (r"CC BY-NC-ND 4\.0", "CC-BY-NC-ND-4.0"), (r"CC BY-NC-SA 4\.0", "CC-BY-NC-SA-4.0"),
    (r"CC BY-NC-SA 2\.0", "CC-BY-NC-SA-2.0"), (r"CC BY-NC 4\.0|CC-BY-NC(?! )", "CC-BY-NC-4.0"),
    (r"CC BY-SA 4\.0", "CC-BY-SA-4.0"), (r"CC BY 4\.0", "CC-BY-4.0"), (r"CC BY 3\.0", "CC-BY-3.0"),
    (r"CC0 1\.0", "CC0-1.0"), (r"Apache 2\.0", "Apache-2.0"),
]  # fmt: skip
#: Population values of the fact file that contradict what the name of the dataset plainly means.
WRONG_COUNTRIES = {
    "kits19": (
        "China",
        "the patients are of a hospital in the United States; the word is an author's country",
    ),
    "eyepacs-kaggle-diabetic-retinopathy-detection": ("India", "EyePACS is a programme in the United States"),
    "ucsf-pdgm": ("France", "UCSF is in the United States"),
}


def read_terms(name: str) -> dict[str, tuple[list[str], str]]:
    with (DATA / "terms" / f"{name}.tsv").open(encoding="utf-8") as file:
        rows = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        return {
            row["raw"]: ([c.strip() for c in row["concepts"].split("|") if c.strip()], row["reason"])
            for row in rows
        }


class Importer:
    def __init__(self, facts: Path) -> None:
        self.vocabulary = Vocabulary.from_graph(load_ontology(DATA.parent / "ontology"))
        records = [
            json.loads(line)
            for line in (facts / "catalog_facts.jsonl").read_text(encoding="utf-8").splitlines()
        ]
        self.records = [r for r in records if r["scope"] in ("imaging", "image-text")]
        self.ids = {r["id"] for r in self.records}
        self.terms = {facet: read_terms(facet) for facet in (*FACETS, "dimension")}
        self.lists: dict[tuple[str, str], set[str]] = defaultdict(set)
        with (facts / "raw_terms.tsv").open(encoding="utf-8") as file:
            for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
                self.lists[row["field"], row["raw"]].update(row["lists"].split(","))
        self.left_out: list[tuple[str, str, str, str, str]] = []

    def run(self) -> None:
        folder = DATA / "datasets"
        folder.mkdir(exist_ok=True)
        for old in folder.glob("*.yaml"):
            old.unlink()
        for record in self.records:
            entry = DatasetEntry.model_validate(self.entry(record))
            (folder / f"{entry.id}.yaml").write_text(to_yaml(entry), encoding="utf-8")
        lines = ["entry\tfield\tvalue\tsource\treason", *("\t".join(row) for row in sorted(self.left_out))]
        (DATA / "terms" / "left_out.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")

    def drop(self, record: dict[str, Any], field: str, value: object, reason: str, source: str = "") -> None:
        cells = (record["id"], field, str(value), source, reason)
        self.left_out.append(tuple(re.sub(r"\s+", " ", cell) for cell in cells))  # type: ignore[arg-type]

    def entry(self, r: dict[str, Any]) -> dict[str, Any]:
        rows = [f"{s['list']}:{s['ref']}" for s in r["sources"]]
        for s in r.get("suspect", []):
            self.drop(r, s["field"], s["value"], s["reason"], s["source"])
        entry: dict[str, Any] = {
            "id": r["id"],
            "name": r["name"],
            "aliases": [a for a in r["aliases"] if a != r["name"]],
            "domain": {"medical": "medical", "natural": "natural", "natural (texture)": "natural-texture"}[
                r["domain"]
            ],
            "content": "images-and-text" if r["scope"] == "image-text" else "images",
            "family": r.get("family"),
            "edition": int(r["edition"]) if r.get("edition") else None,
            "challenge": r.get("challenge"),
            "platforms": r.get("platform", []),
            "languages": r["language"]
            if isinstance(r.get("language"), list)
            else [r["language"]]
            if r.get("language")
            else [],
            "links": self.links(r),
            "papers": [f"{scheme}:{r[scheme]}" for scheme in ("doi", "arxiv") if r.get(scheme)],
            "years": [{"value": y, "refs": rows} for y in self.years(r)],
            "dimensions": self.dimensions(r, rows),
            **self.concepts(r, rows),
            "counts": self.counts(r, rows),
            "classes": self.classes(r, rows),
            "labelled": [{"value": "available" if r["labels"] else "not-available", "refs": rows}]
            if "labels" in r
            else [],
            "access": self.access(r, rows),
            "licences": self.licences(r, rows),
            "relations": self.relations(r, rows),
            "facts": self.facts(r, rows),
            "evidence_names": r.get("evidence_keys", []),
            "rows": [
                {"ref": f"{s['list']}:{s['ref']}", "section": s.get("section"), "name": s.get("name")}
                for s in r["sources"]
            ],
        }
        if r["domain"] != "medical":
            entry["field_status"] = [{"field": "counts.patients", "status": "notApplicable"}]
        return entry

    def links(self, r: dict[str, Any]) -> list[dict[str, str]]:
        found: dict[str, str] = {}
        urls = [
            (r.get("url"), "home"),
            *((u, "other") for u in r.get("other_urls", [])),
            *((u, "paper") for u in r.get("paper_urls", [])),
        ]
        for url, role in urls:
            if url is None:
                continue
            clean = re.sub(r"\\(?=[#%_&])", "", url.strip()).replace(" ", "%20")
            if re.fullmatch(r"(https?|ftp)://[^\s<>\"{}|\\^`]+", clean):
                found.setdefault(clean, role)
            else:
                self.drop(r, "links", url, "not a web address")
        return [{"url": url, "role": role} for url, role in found.items()]

    def years(self, r: dict[str, Any]) -> list[int]:
        stated = [value for c in r.get("conflicts", []) if c["field"] == "year" for value in c["values"]]
        return sorted({*stated, r["year"]}) if r.get("year") else sorted(stated)

    def dimensions(self, r: dict[str, Any], rows: list[str]) -> list[dict[str, Any]]:
        codes: dict[str, None] = {}
        for raw in r.get("dimension", []):
            concepts, reason = self.terms["dimension"][raw]
            codes.update(dict.fromkeys(concepts))
            if not concepts:
                self.drop(r, "dimension", raw, reason)
        return [{"value": code, "refs": rows} for code in codes]

    def rows_with(self, r: dict[str, Any], field: str, raw: str, rows: list[str]) -> list[str]:
        having = {
            f"{s['list']}:{s['ref']}"
            for s in r["sources"]
            if s["list"] in self.lists.get((field, raw), set())
        }
        return sorted(having) or rows

    def concepts(self, r: dict[str, Any], rows: list[str]) -> dict[str, Any]:
        found: dict[str, dict[str, dict[str, set[str]]]] = {facet: {} for facet in FACETS}
        unmapped = []
        columns = [
            ("modality", "modality_raw", "modality"), ("anatomy", "anatomy_raw", "structure"),
            ("anatomy", "region_raw", "region"), ("task", "task_raw", "task"), ("finding", "finding_raw", "disease"),
        ]  # fmt: skip
        for facet, column, field in columns:
            for raw in r.get(column, []):
                concepts, reason = self.terms[facet][raw]
                refs = self.rows_with(r, field, raw, rows)
                for concept in concepts:
                    tag = found[self.vocabulary[concept].facet].setdefault(
                        concept, {"stated": set(), "refs": set()}
                    )
                    tag["stated"].add(raw)
                    tag["refs"].update(refs)
                if not concepts:
                    unmapped.append({"facet": facet, "stated": raw, "refs": refs})
        tags = {
            facet: [
                {"concept": c, "stated": sorted(t["stated"]), "refs": sorted(t["refs"])}
                for c, t in by_concept.items()
            ]
            for facet, by_concept in found.items()
        }
        return {**tags, "unmapped": unmapped}

    def counts(self, r: dict[str, Any], rows: list[str]) -> list[dict[str, Any]]:
        counts = []
        for c in r.get("counts", []):
            if c.get("suspect") or not c.get("n"):
                if c.get("suspect"):
                    self.drop(
                        r, "counts", c.get("raw", c.get("n")), "marked suspect upstream", c.get("source", "")
                    )
                continue
            stated = c.get("unit") or ""
            word = re.match(r"[\w-]*", stated.lower()).group()  # type: ignore[union-attr]
            unit = UNITS.get(word, "unstated")
            plain = stated.lower() in (unit, word) and unit != "unstated"
            note = None if plain or not stated else stated
            source = c.get("source", "")
            counts.append(
                {"n": c["n"], "unit": unit, "note": note, "refs": [source] if ":" in source else rows}
            )
        for split, value in (r.get("splits") or {}).items():
            if isinstance(value, int) and value > 0:
                counts.append(
                    {
                        "n": value,
                        "unit": "images" if r.get("dimension") == ["2D"] else "unstated",
                        "split": split,
                        "refs": rows,
                    }
                )
        population = r.get("population", {})
        if population.get("n_patients"):
            counts.append({"n": population["n_patients"], "unit": "patients", "refs": rows})
        unique = {json.dumps(c, sort_keys=True): c for c in counts}
        return list(unique.values())

    def classes(self, r: dict[str, Any], rows: list[str]) -> list[dict[str, Any]]:
        if not r.get("n_classes") and not r.get("classes"):
            return []
        names = [str(name) for name in r.get("classes", []) if str(name).strip()]
        return [{"n": r.get("n_classes") or None, "names": names, "refs": rows}]

    def access(self, r: dict[str, Any], rows: list[str]) -> list[dict[str, Any]]:
        if r["access"] == "unknown" and "access_basis" not in r:
            return []
        basis = {"stated": "stated", None: "none"}.get(r.get("access_basis"), "guessed-from-host")
        return [{"route": r["access"], "basis": basis, "note": r.get("access_note"), "refs": rows}]

    def licences(self, r: dict[str, Any], rows: list[str]) -> list[dict[str, Any]]:
        if not (stated := r.get("licence")):
            return []
        spdx = next((code for pattern, code in SPDX if re.search(pattern, stated)), None)
        certain = spdx and not re.search(r";|\(DermaMNIST|badge|HF card", stated)
        return [{"stated": stated, "spdx": spdx if certain else None, "refs": rows}]

    def relations(self, r: dict[str, Any], rows: list[str]) -> list[dict[str, Any]]:
        relations = []
        for field, kind in RELATIONS.items():
            for name, target in itertools.zip_longest(r.get(field, []), r.get(f"{field}_ids", [])):
                proof = [
                    p
                    for p in r.get("relation_provenance", [])
                    if p["relation"] == field and p["target"] == name
                ]
                where = (
                    {"target": target} if target in self.ids and target != r["id"] else {"target_name": name}
                )
                stated = any(p["grade"] == "stated" for p in proof) or not proof
                notes = sorted({p["source"] for p in proof if p["source"] not in ("unverified",)})
                relations.append(
                    {
                        "kind": kind,
                        **where,
                        "grade": "stated" if stated else "unverified",
                        "note": "; ".join(notes) or None,
                        "refs": rows,
                    }
                )
        return relations

    def facts(self, r: dict[str, Any], rows: list[str]) -> list[dict[str, Any]]:
        facts: list[dict[str, Any]] = []

        def add(attribute: str, values: object, grade: str = "stated") -> None:
            for value in values if isinstance(values, list) else [values]:
                if value:
                    facts.append({"attribute": attribute, "value": str(value), "grade": grade, "refs": rows})

        for attribute, key in (
            ("image-size", "image_size"),
            ("source-image-size", "source_image_size"),
            ("spacing", "spacing"),
            ("magnification", "magnification"),
            ("file-format", "file_format"),
            ("label-origin", "label_origin"),
            ("source-licence", "source_licence"),
            ("composition", "sources_stated"),
        ):
            add(attribute, r.get(key))
        population = r.get("population", {})
        add("sex", population.get("sex"))
        add("demographic-fields", population.get("demographics_fields"))
        add("population-note", population.get("note"))
        add("author-country", population.get("author_institution_countries"), "unverified")
        wrong = WRONG_COUNTRIES.get(r["id"])
        for country in population.get("countries", []):
            if wrong and country == wrong[0]:
                self.drop(r, "country", country, wrong[1])
            else:
                add("country", country, "unverified")
        for age in population.get("age_ranges", []):
            low, _, high = age.partition("-")
            if (
                re.fullmatch(r"[1-9]\d?|1[01]\d", high)
                and re.fullmatch(r"0|[1-9]\d?", low)
                and int(high) - int(low) > 4
                and r["id"] != "mura"
            ) or (population.get("note") and age in ("1-5",)):
                add("age", age, "unverified")
            else:
                self.drop(r, "age", age, "not a plausible range of ages")
        unique = {json.dumps(f, sort_keys=True): f for f in facts}
        return list(unique.values())


if __name__ == "__main__":
    Importer(Path(sys.argv[1])).run()
