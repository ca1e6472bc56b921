"""What hostile SPARQL does to the service: every answer by the deadline, quick queries beside it, nothing burning after.

    python -m benchmarks.hostile [--rounds N]

Starts a service with a deadline of two seconds on the knowledge base in WHENCE_HOME. A process of its own asks `ASK {}` every 20 ms
all the while; an answer's time counts from when it was due. Every request has a client address of its own (127.x.y.z), as those of a
botnet would, so that the budgets of clients, which are those shipped, hold back nothing but the crowd that comes from one address. Bars: each answered by deadline + 0.5 s (429 and 503 with Retry-After
count as answers), ASK p99 under 100 ms, no CPU burning 2 s later, no growth of memory from the first round to the last, no connection
from a corpus of SERVICE and LOAD. Ends with 1 where one is missed. Clients run on the same machine and share its cores.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import socket
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from urllib.parse import quote, urlencode, urlsplit

import numpy as np
import pyoxigraph

from benchmarks.service import Service, service
from kb.settings import read_settings

_DEADLINE = 2.0
_LATEST = _DEADLINE + 0.5
_ASK_MS = 100
_BURNING = 0.05  # of a core
_GROWTH = 1.1
_EVERY = 0.02
_AT_ONCE, _CROWD = 4, 1000
_GIVE_UP = 30.0
_OTHERS = 5_000_000  # addresses from which the process that asks keeps away
_CLIENTS = count()
_ANSWERS = {"200", "429", "503", "broke off"}
_ALL = "?a ?b ?c . ?d ?e ?f"
_DEEP = "(" * 150 + "skos:broader" + ")*" * 150
_HOSTILE = {
    "triple cartesian COUNT": f"SELECT (COUNT(*) AS ?n) {{ {_ALL} . ?g ?h ?i }}",
    "ORDER BY of pairs": f"SELECT ?a ?d {{ {_ALL} }} ORDER BY ?d ?a",
    "DISTINCT pairs": f"SELECT DISTINCT ?a ?d {{ {_ALL} }}",
    "GROUP_CONCAT of 2 GB": f"SELECT (GROUP_CONCAT(CONCAT(STR(?c), STR(?f), STR(?a), STR(?d))) AS ?x) {{ {_ALL} }}",
    "paths through everything": "SELECT * { ?a (!wh:nothing)* ?b . ?b (!wh:nothing)* ?c . ?c (!wh:nothing)* ?d }",
    "path both ways": "SELECT (COUNT(*) AS ?n) { ?a (skos:broader|^skos:broader|wh:hasModality|^wh:hasModality)+ ?b }",
    "path 150 deep": f"SELECT (COUNT(*) AS ?n) {{ ?a {_DEEP} ?b . ?c {_DEEP} ?d }}",
    "regex bomb": f'SELECT (COUNT(*) AS ?n) {{ {_ALL} FILTER(REGEX(CONCAT(STR(?c), STR(?f)), "^(([a-z])+.)+[A-Z]([a-z])+$")) }}',
    "regex of 10^9 states": f'SELECT (COUNT(*) AS ?n) {{ {_ALL} FILTER(REGEX(STR(?c), CONCAT("((a{{1000}}){{1000}}){{1000}}", STR(?f)))) }}',
    "REPLACE bomb": f'SELECT (SUM(STRLEN(REPLACE(CONCAT(STR(?c), STR(?f)), "(.*)(.*)(.*)", "$1$1$1$2$3"))) AS ?n) {{ {_ALL} }}',
    "CONSTRUCT of all pairs": f"CONSTRUCT {{ ?a ?b ?f . ?d ?e ?c }} {{ {_ALL} }}",
    "nested OPTIONAL": "SELECT (COUNT(*) AS ?n) { ?a ?b ?c OPTIONAL { ?d ?b ?f OPTIONAL { ?g ?b ?i OPTIONAL { ?j ?k ?l } } } }",
    "sub-selects": f"SELECT (SUM(?n) AS ?m) {{ {{ SELECT (COUNT(*) AS ?n) {{ {_ALL} }} }} {{ SELECT (COUNT(*) AS ?o) {{ {_ALL} }} }} }}",
}


def corpus(iri: str) -> tuple[list[str], list[str]]:
    """Queries and updates that try to reach an address."""
    bodies = [
        f"{word} {silent} <{iri}> {{ ?s ?p ?o }}"
        for word in ("SERVICE", "service", "SeRvIcE", "SERVICE # x\n", "\\u0053ERVICE", "SERV\\U00000049CE")
        for silent in ("", "SILENT")
    ]
    bodies += [
        f"{{}}SERVICE<{iri}>{{}}",
        f"?a ?b 5SERVICE<{iri}>{{}}",
        f"?a ?b trueSERVICE<{iri}>{{}}",
        f'?a ?b "#" . SERVICE <{iri}> {{}} # "',
        f"?a ?b 'it\\'s' SERVICE <{iri}> {{}}",
        f'?a ?b """ "" """ SERVICE <{iri}> {{}}',
        f"?a ?b <x:#> . SERVICE <{iri}> {{}}",
        f"# a comment\rSERVICE <{iri}> {{}}",
        f"FILTER(?a < 5) SERVICE <{iri}> {{}} FILTER(?b > 5)",
        "SERVICE ?x { ?s ?p ?o }",
        "SERVICE:x {}",
        f"{{ SELECT * {{ SERVICE <{iri}> {{ ?s ?p ?o }} }} }}",
        f"OPTIONAL {{ SERVICE <{iri}> {{ ?s ?p ?o }} }}",
        f"FILTER EXISTS {{ SERVICE <{iri}> {{ ?s ?p ?o }} }}",
        f"MINUS {{ SERVICE <{iri}> {{ ?s ?p ?o }} }}",
        f"GRAPH ?g {{ SERVICE <{iri}> {{ ?s ?p ?o }} }}",
        f"BIND(<{iri}> AS ?x) SERVICE ?x {{ ?s ?p ?o }}",
        f"VALUES ?x {{ <{iri}> }} SERVICE SILENT ?x {{ ?s ?p ?o }}",
    ]
    queries = [f"PREFIX : <{iri}> {form} {{ {body} }}" for body in bodies for form in ("SELECT *", "ASK")]
    queries += [
        f"CONSTRUCT {{ ?s ?p ?o }} {{ SERVICE <{iri}> {{ ?s ?p ?o }} }}",
        f"DESCRIBE ?s {{ SERVICE <{iri}> {{ ?s ?p ?o }} }}",
        f"DESCRIBE <{iri}>",
        f"SELECT * FROM <{iri}> {{ ?s ?p ?o }}",
        f"SELECT * FROM NAMED <{iri}> {{ GRAPH ?g {{ ?s ?p ?o }} }}",
    ]
    updates = [
        f"LOAD <{iri}>",
        f"LOAD SILENT <{iri}>",
        f"load <{iri}> INTO GRAPH <x:g>",
        f"LoAd # x\n SILENT <{iri}>",
        f"L\\u004fAD <{iri}>",
        f"CLEAR ALL; LOAD <{iri}>",
        f"INSERT {{ ?s ?p ?o }} WHERE {{ SERVICE <{iri}> {{ ?s ?p ?o }} }}",
        f"INSERT {{ ?s ?p ?o }} WHERE {{ SERVICE SILENT <{iri}> {{ ?s ?p ?o }} }}",
    ]
    return queries, updates


def client() -> str:
    """An address nobody has used before: all of 127.0.0.0/8 is this machine."""
    number = next(_CLIENTS)
    return f"127.{number // 62_500 % 250 + 1}.{number // 250 % 250}.{number % 250 + 1}"


async def exchange(address: str, request: str, body: bytes = b"", sender: str = "") -> str:
    """Status of one request on a connection of its own; without a client library, which would be slower than the service."""
    place = urlsplit(address)
    try:
        reader, writer = await asyncio.open_connection(
            place.hostname, place.port, local_addr=(sender or client(), 0)
        )
        lines = f"{request}Host: {place.netloc}\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n"
        writer.write(lines.encode() + body)
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        end = b""
        while piece := await reader.read(1 << 20):
            end = (end + piece)[-5:]
        writer.close()
    except (OSError, asyncio.IncompleteReadError):
        return "no answer"
    status = head.split()[1]
    if status in ("429", "503") and "\r\nretry-after:" not in head:
        return f"{status} without Retry-After"
    return "broke off" if "transfer-encoding: chunked" in head and end != b"0\r\n\r\n" else status


async def timed(address: str, query: str, sender: str = "") -> tuple[str, float]:
    """How a query is answered, and after how many seconds."""
    started = time.monotonic()
    try:
        request = f"GET /sparql?query={quote(query)} HTTP/1.1\r\n"
        answer = await asyncio.wait_for(exchange(address, request, sender=sender), _GIVE_UP)
    except TimeoutError:
        answer = "no answer"
    return answer, time.monotonic() - started


@dataclass
class Asked:
    """When each ASK was due, and after how many ms it was answered: never, where it was refused."""

    due: list[float] = field(default_factory=list)
    took: list[float] = field(default_factory=list)

    def quantiles(self, *spans: tuple[float, float]) -> tuple[int, float, float]:
        """How many were due in these spans of time, p50 and p99."""
        due = np.array(self.due)
        within = np.any([(due >= since) & (due < until) for since, until in spans], axis=0)
        chosen = np.array(self.took)[within]
        if not len(chosen):
            return 0, np.inf, np.inf
        p50, p99 = np.quantile(chosen, [0.5, 0.99], method="higher")  # no average with what was refused
        return len(chosen), float(p50), float(p99)


def _ask(address: str, pipe: Connection) -> None:
    """Ask every 20 ms, whether the last was answered or not, until told to stop; then say how it went."""
    asked = Asked()
    for _ in range(_OTHERS):
        next(_CLIENTS)

    async def one(due: float) -> None:
        answer, _ = await timed(address, "ASK {}")
        asked.due.append(due)
        asked.took.append(1000 * (time.monotonic() - due) if answer == "200" else np.inf)

    async def run() -> None:
        due = time.monotonic()
        async with asyncio.TaskGroup() as group:
            while not pipe.poll():
                group.create_task(one(due))
                due += _EVERY
                await asyncio.sleep(max(0.0, due - time.monotonic()))

    asyncio.run(run())
    pipe.send(asked)


class Probe:
    """The process that asks all the while."""

    def __init__(self, address: str) -> None:
        context = get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_ask, args=(address, theirs), daemon=True)
        self._process.start()

    def stop(self) -> Asked:
        """End it; what it saw."""
        self._pipe.send("stop")
        asked: Asked = self._pipe.recv()
        self._process.join()
        return asked


@dataclass(frozen=True)
class Attack:
    """One hostile query, how many sent it at once, and how that went."""

    name: str
    at_once: int
    senders: str
    since: float
    until: float
    answers: Counter[str]
    slowest: float
    own: float  # seconds of CPU that sending took

    @property
    def held(self) -> bool:
        """Whether all were answered, and by the deadline."""
        return self.slowest <= _LATEST and set(self.answers) <= _ANSWERS


async def attack(address: str, name: str, query: str, at_once: int, sender: str = "") -> Attack:
    """Send a query so many times at once, and wait for all answers."""
    since, own = time.monotonic(), time.process_time()
    times = await asyncio.gather(*(timed(address, query, sender) for _ in range(at_once)))
    until, own = time.monotonic(), time.process_time() - own
    answers = Counter(answer for answer, _ in times)
    senders = f"{at_once:,} from one address" if sender else f"{at_once:,}"
    return Attack(name, at_once, senders, since, until, answers, max(seconds for _, seconds in times), own)


async def attack_all(address: str) -> list[Attack]:
    """The whole hostile set once."""
    attacks = [await attack(address, name, query, _AT_ONCE) for name, query in _HOSTILE.items()]
    worst = "triple cartesian COUNT"
    attacks.append(await attack(address, "ASK", "ASK {}", _CROWD))
    attacks.append(await attack(address, worst, _HOSTILE[worst], _CROWD, sender=client()))
    attacks.append(await attack(address, worst, _HOSTILE[worst], _CROWD))
    return attacks


@contextmanager
def trap() -> Iterator[tuple[str, list[int]]]:
    """An address that hangs up on everybody, and a list that grows with each connection."""
    seen: list[int] = []
    with socket.create_server(("127.0.0.1", 0), backlog=256) as listening:

        def accept() -> None:
            while True:
                try:
                    listening.accept()[0].close()
                except OSError:
                    return
                seen.append(1)

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/", seen
        time.sleep(1)  # a connection may be late
        listening.shutdown(socket.SHUT_RDWR)
        thread.join()


async def reached(address: str) -> bool:
    """Whether a text of the corpus makes the service connect to a listening socket; beside it how many do with plain pyoxigraph."""
    answers: dict[str, Counter[str]] = {"query": Counter(), "update": Counter()}
    with trap() as (iri, seen):
        queries, updates = corpus(iri)
        for kind, text in [("query", text) for text in queries] + [("update", text) for text in updates]:
            form = "POST /sparql HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded\r\n"
            direct = f"POST /sparql HTTP/1.1\r\nContent-Type: application/sparql-{kind}\r\n"
            answers[kind][await exchange(address, form, urlencode({kind: text}).encode())] += 1
            answers[kind][await exchange(address, direct, text.encode())] += 1
            answers["query"][(await timed(address, text))[0]] += 1
    here = len(seen)
    with trap() as (iri, seen):
        queries, updates = corpus(iri)
        store = pyoxigraph.Store()
        for text in queries:
            with suppress(SyntaxError, OSError, RuntimeError, ValueError):
                result = store.query(text)
                if not isinstance(result, pyoxigraph.QueryBoolean):
                    next(result, None)
        for text in updates:
            with suppress(SyntaxError, OSError, RuntimeError, ValueError):
                store.update(text)
    print(
        f"{len(queries)} queries and {len(updates)} updates with SERVICE, LOAD or FROM, each by form, in the body and as ?query=:"
        f" {here} connections (plain pyoxigraph: {len(seen)}); {_counts(answers['query'])} as query, {_counts(answers['update'])} as update"
    )
    return here > 0 or not seen  # a trap that catches nothing shows nothing


def _counts(answers: Counter[str]) -> str:
    return ", ".join(f"{count} × {answer}" for answer, count in sorted(answers.items()))


def hardware() -> str:
    """What this runs on, in a line."""
    models = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    ]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{os.cpu_count()} × {models[0] if models else platform.machine()}, {memory:.0f} GiB, Python {platform.python_version()},"
        f" pyoxigraph {pyoxigraph.__version__}"
    )


def attacked(running: Service, rounds: int) -> list[str]:
    """Run everything and print it; the bars that are missed."""
    for _ in range(20):
        asyncio.run(timed(running.address, "ASK {}"))
    memory = [running.memory()]
    attacks: list[Attack] = []
    missed: list[str] = []
    probe = Probe(running.address)
    time.sleep(3)
    quiet_since = time.monotonic() - 2
    for turn in range(rounds):
        attacks += asyncio.run(attack_all(running.address))
        if turn < rounds - 1:
            time.sleep(4)
            memory.append(running.memory())
    ended = time.monotonic()
    asked = probe.stop()
    time.sleep(max(0.0, ended + 2 - time.monotonic()))
    used = running.cpu()
    time.sleep(2)
    burning = (running.cpu() - used) / 2
    memory.append(running.memory())
    print(
        "| query | at once | answers | slowest s | clients' CPU s | ASK p50 ms | p99 ms |\n| --- | --- | --- | --- | --- | --- | --- |"
    )
    _, p50, p99 = asked.quantiles((quiet_since, attacks[0].since))
    print(f"| (nothing) | | | | | {p50:.1f} | {p99:.1f} |")
    for one in attacks:
        _, p50, p99 = asked.quantiles((one.since, one.until))
        print(
            f"| {one.name} | {one.senders} | {_counts(one.answers)} | {one.slowest:.2f} | {one.own:.2f} | {p50:.1f} | {p99:.1f} |"
        )
        if not one.held:
            missed.append(
                f"{one.name}, {one.senders} at once: {_counts(one.answers)}, slowest {one.slowest:.2f} s"
            )
    print()
    for few, what in ((True, f"those sent {_AT_ONCE} at once"), (False, f"those sent {_CROWD:,} at once")):
        spans = [(one.since, one.until) for one in attacks if few == (one.at_once == _AT_ONCE)]
        asks, p50, p99 = asked.quantiles(*spans)
        print(f"{asks} ASK beside {what}: p50 {p50:.1f} ms, p99 {p99:.1f} ms")
        if p99 >= _ASK_MS:
            missed.append(f"ASK beside {what}: p99 {p99:.1f} ms")
    print(f"CPU in the 2 s that begin 2 s later: {100 * burning:.1f} % of a core")
    steps = ", ".join(f"{size:.0f}" for size in memory)
    processes = len(running.processes())
    print(f"memory at first and after each round: {steps} MiB in {processes} processes")
    if processes <= read_settings().sparql_free:
        missed.append("those that answer SPARQL are not among the processes measured")
    if burning >= _BURNING:
        missed.append(f"{100 * burning:.1f} % of a core burning")
    if rounds > 1 and memory[-1] > _GROWTH * memory[1]:
        missed.append(f"memory grew from {memory[1]:.0f} to {memory[-1]:.0f} MiB")
    if asyncio.run(reached(running.address)):
        missed.append("the network was reached, or the trap caught nothing")
    return missed


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=2)
    rounds = parser.parse_args().rounds
    print(f"{hardware()}; deadline {_DEADLINE:g} s, clients on the same machine\n")
    with service(sparql_seconds=str(_DEADLINE)) as running:
        missed = attacked(running, rounds)
    print("\n".join(f"MISSED: {bar}" for bar in missed) if missed else "all bars hold")
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
