"""What hostile SPARQL does to the service: every answer by the deadline, quick queries beside it, nothing burning after.

    python -m benchmarks.hostile

Starts a service with a deadline of two seconds on the knowledge base in WHENCE_HOME. Bars: each answered by deadline + 0.5 s (429 counts
as an answer), concurrent ASK p99 under 100 ms, no CPU burning 2 s later, no growth of memory, no connection from a corpus of
SERVICE and LOAD. Ends with 1 where one is missed. The client runs on the same machine.
"""

from __future__ import annotations

import asyncio
import os
import platform
import socket
import sys
import time
from collections import Counter
from urllib.parse import quote, urlsplit

import httpx
import numpy as np

from benchmarks.service import Service, service

_DEADLINE = 2.0
_UPDATE = {"Content-Type": "application/sparql-update"}
_ALL = "?a ?b ?c . ?d ?e ?f"
_HOSTILE = {
    "triple cartesian COUNT": f"SELECT (COUNT(*) AS ?n) {{ {_ALL} . ?g ?h ?i }}",
    "ORDER BY of pairs": f"SELECT ?a ?d {{ {_ALL} }} ORDER BY ?d ?a",
    "DISTINCT pairs": f"SELECT DISTINCT ?a ?d {{ {_ALL} }}",
    "GROUP_CONCAT of 2 GB": f"SELECT (GROUP_CONCAT(CONCAT(STR(?c), STR(?f), STR(?a), STR(?d))) AS ?x) {{ {_ALL} }}",
    "deep paths": "SELECT * { ?a (!wh:nothing)* ?b . ?b (!wh:nothing)* ?c . ?c (!wh:nothing)* ?d }",
    "path both ways": "SELECT (COUNT(*) AS ?n) { ?a (skos:broader|^skos:broader|wh:hasModality|^wh:hasModality)+ ?b }",
    "regex bomb": f'SELECT (COUNT(*) AS ?n) {{ {_ALL} FILTER(REGEX(CONCAT(STR(?c), STR(?f)), "^(([a-z])+.)+[A-Z]([a-z])+$")) }}',
    "CONSTRUCT of all pairs": f"CONSTRUCT {{ ?a ?b ?f . ?d ?e ?c }} {{ {_ALL} }}",
    "nested OPTIONAL": "SELECT (COUNT(*) AS ?n) { ?a ?b ?c OPTIONAL { ?d ?b ?f OPTIONAL { ?g ?b ?i OPTIONAL { ?j ?k ?l } } } }",
    "sub-selects": f"SELECT (SUM(?n) AS ?m) {{ {{ SELECT (COUNT(*) AS ?n) {{ {_ALL} }} }} {{ SELECT (COUNT(*) AS ?o) {{ {_ALL} }} }} }}",
}


def corpus(iri: str) -> list[str]:
    """Texts that try to reach an address, as queries and as updates."""
    bodies = [
        f"{word} {silent} <{iri}> {{ ?s ?p ?o }}"
        for word in ("SERVICE", "service", "SeRvIcE", "SERVICE # x\n", "\\u0053ERVICE", "SERV\\u0049CE")
        for silent in ("", "SILENT")
    ]
    bodies += [
        f"{{}}SERVICE<{iri}>{{}}",
        f"?a ?b 5SERVICE<{iri}>{{}}",
        f"?a ?b trueSERVICE<{iri}>{{}}",
        "SERVICE ?x { ?s ?p ?o }",
    ]
    bodies += [
        f"{{ SELECT * {{ SERVICE <{iri}> {{ ?s ?p ?o }} }} }}",
        f"OPTIONAL {{ SERVICE <{iri}> {{ ?s ?p ?o }} }}",
        "SERVICE:x {}",
    ]
    bodies += [
        f"BIND(<{iri}> AS ?x) SERVICE ?x {{ ?s ?p ?o }}",
        f"VALUES ?x {{ <{iri}> }} SERVICE SILENT ?x {{ ?s ?p ?o }}",
    ]
    queries = [f"PREFIX : <{iri}> {form} {{ {body} }}" for body in bodies for form in ("SELECT *", "ASK")]
    queries += [
        f"SELECT * FROM <{iri}> {{ ?s ?p ?o }}",
        f"SELECT * FROM NAMED <{iri}> {{ GRAPH ?g {{ ?s ?p ?o }} }}",
        f"DESCRIBE <{iri}>",
    ]
    updates = [
        f"LOAD <{iri}>",
        f"LOAD SILENT <{iri}>",
        f"load <{iri}> INTO GRAPH <x:g>",
        f"L\\u004fAD <{iri}>",
        f"CLEAR ALL; LOAD <{iri}>",
    ]
    updates += [f"INSERT {{ ?s ?p ?o }} WHERE {{ SERVICE <{iri}> {{ ?s ?p ?o }} }}"]
    return queries + updates


async def timed(http: httpx.AsyncClient, query: str) -> tuple[str, float]:
    """How a query is answered, and after how many seconds."""
    started = time.perf_counter()
    try:
        response = await http.get("/sparql", params={"query": query})
        answer = str(response.status_code)
    except httpx.RemoteProtocolError:
        answer = "broke off"
    return answer, time.perf_counter() - started


async def bare(address: str, query: str) -> tuple[str, float]:
    """The same on a connection of its own, without a client library, which would be slower than the service."""
    place = urlsplit(address)
    started = time.perf_counter()
    reader, writer = await asyncio.open_connection(place.hostname, place.port)
    writer.write(
        f"GET /sparql?query={quote(query)} HTTP/1.1\r\nHost: whence\r\nConnection: close\r\n\r\n".encode()
    )
    await writer.drain()
    head = await reader.readline()
    await reader.read()
    writer.close()
    return head.split()[1].decode() if head else "closed", time.perf_counter() - started


async def beside(http: httpx.AsyncClient, running: list[asyncio.Task[tuple[str, float]]]) -> list[float]:
    """Milliseconds of ASK, one after the other, while others run."""
    times = []
    while not all(task.done() for task in running):
        answer, seconds = await timed(http, "ASK {}")
        times.append(1000 * seconds if answer == "200" else np.inf)
        await asyncio.sleep(0.01)
    return times


async def unreached(http: httpx.AsyncClient) -> bool:
    """Whether no text of the corpus makes the service connect to a listening socket."""
    with socket.create_server(("127.0.0.1", 0)) as trap:
        trap.settimeout(1)
        texts = corpus(f"http://127.0.0.1:{trap.getsockname()[1]}/")
        answers, updates = Counter[str](), Counter[str]()
        for text in texts:
            answers[(await timed(http, text))[0]] += 1
            sent = await http.post("/sparql", content=text, headers=_UPDATE)
            updates[str(sent.status_code)] += 1
        connections = 0
        while True:
            try:
                trap.accept()
                connections += 1
            except TimeoutError:
                break
    print(
        f"{len(texts)} texts with SERVICE or LOAD: {connections} connections; as query {dict(answers)}, as update {dict(updates)}"
    )
    return connections == 0


async def attacked(running: Service) -> bool:
    """Run everything and print it; whether all bars hold."""
    good = True
    limits = httpx.Limits(max_connections=1100)
    async with httpx.AsyncClient(base_url=running.address, timeout=60, limits=limits) as http:
        for _ in range(20):
            await timed(http, "ASK {}")
        before = running.memory()
        print(
            "| query, four at once | answers | slowest s | ASK p50 ms | p99 ms |\n| --- | --- | --- | --- | --- |"
        )
        every: list[float] = []
        for name, query in _HOSTILE.items():
            tasks = [asyncio.create_task(timed(http, query)) for _ in range(4)]
            quick = await beside(http, tasks)
            every += quick
            answers = Counter(task.result()[0] for task in tasks)
            slowest = max(task.result()[1] for task in tasks)
            good &= slowest <= _DEADLINE + 0.5 and set(answers) <= {"503", "429", "broke off", "200"}
            p50, p99 = np.quantile(quick, [0.5, 0.99])
            print(f"| {name} | {dict(answers)} | {slowest:.2f} | {p50:.1f} | {p99:.1f} |")
        p50, p99 = np.quantile(every, [0.5, 0.99])
        good &= bool(p99 < 100)
        print(f"\nASK beside all of it: {len(every)} asked, p50 {p50:.1f} ms, p99 {p99:.1f} ms")
        await asyncio.sleep(2)
        used = running.cpu()
        await asyncio.sleep(2)
        burning = (running.cpu() - used) / 2
        good &= burning < 0.05
        print(
            f"CPU 2 s later: {100 * burning:.1f} % of a core; memory {before:.0f} MiB before, {running.memory():.0f} MiB after"
        )
        for name, query in (("ASK", "ASK {}"), ("hostile", _HOSTILE["triple cartesian COUNT"])):
            crowd = await asyncio.gather(*(bare(running.address, query) for _ in range(1000)))
            slowest = max(seconds for _, seconds in crowd)
            good &= slowest <= _DEADLINE + 0.5
            print(
                f"1,000 {name} at once: {dict(Counter(answer for answer, _ in crowd))}, slowest {slowest:.2f} s"
            )
        await asyncio.sleep(3)
        print(f"memory after that: {running.memory():.0f} MiB in {len(running.processes())} processes")
        good &= running.memory() < before + 150
        good &= await unreached(http)
        print("all bars hold" if good else "A BAR IS MISSED")
    return good


def main() -> None:
    """Print the tables."""
    print(
        f"{os.cpu_count()} cores, {platform.machine()}, deadline {_DEADLINE:g} s, client on the same machine\n"
    )
    wide = {
        "sparql_client_seconds": "100000",
        "sparql_client_errors": "100000",
        "sparql_client_queries": "100000",  # everything comes from one address here
    }
    with service(sparql_seconds=str(_DEADLINE), **wide) as running:
        sys.exit(0 if asyncio.run(attacked(running)) else 1)


if __name__ == "__main__":
    main()
