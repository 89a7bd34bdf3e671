"""Runs every query of docs/observability.md and every alert of deploy/sls on the lines of two days.

The columns are those that deploy/sls/index.json makes, and no others. The SQL is read in Presto's dialect, which the log
service speaks, and run by DuckDB. The search before the bar has no engine but the service's own: the few forms that the
queries use are translated here. The vendor's own models say whether the bodies have the right shape.
"""

import json
import pathlib
import re
import sys
from datetime import datetime

import duckdb
import sqlglot
from alibabacloud_sls20201230 import models

ROOT, LINES = (pathlib.Path(argument) for argument in sys.argv[1:])
INDEX = json.loads((ROOT / "deploy/sls/index.json").read_text())
LEAVES = INDEX["keys"]["message"]["json_keys"]
BAD, GOOD = "bad-day.log", "good-day.log"


def leaf(line, path):
    """The value behind a path, as the index would have it: a leaf or nothing."""
    for name in path.split("."):
        if not isinstance(line, dict) or name not in line:
            return None
        line = line[name]
    if line is None or isinstance(line, (dict, list)):
        return None
    return json.dumps(line) if isinstance(line, bool) else line


def day(name):
    """A table `log` of the lines that are JSON, as far as they are indexed."""
    types = {"text": "VARCHAR", "long": "BIGINT"}
    columns = ", ".join(f'"message.{key}" {types[LEAVES[key]["type"]]}' for key in LEAVES)
    table = duckdb.connect()
    table.execute(f'CREATE TABLE log (__time__ BIGINT, message VARCHAR, {columns})')
    for text in (LINES / name).read_text().splitlines():
        if not text.startswith("{"):
            continue
        line = json.loads(text)
        assert len(text) < 16384, "longer than the service reads"
        time = int(datetime.fromisoformat(line["timestamp"]).timestamp())
        values = [time, text] + [leaf(line, key) for key in LEAVES]
        table.execute(f'INSERT INTO log VALUES ({", ".join("?" * len(values))})', values)
    return table


def condition(search):
    """The search before the bar as SQL."""
    tokens = re.findall(r'\(|\)|\band\b|\bor\b|\bnot\b|[\w.]+\s*:\s*(?:"[^"]*"|[\w*-]+)|[\w.]+\s*[<>]=?\s*\d+', search)
    assert re.sub(r"\s", "", "".join(tokens)) == re.sub(r"\s", "", search), f"not understood: {search}"
    parts = []
    for token in tokens:
        if token in ("(", ")", "and", "or", "not"):
            parts.append(token)
        elif ":" in token:
            key, value = (part.strip() for part in token.split(":", 1))
            value = value.strip('"')
            parts.append(f'"{key}" IS NOT NULL' if value == "*" else f"lower(\"{key}\") = '{value.lower()}'")
        else:
            key, compare = re.match(r"([\w.]+)\s*(.*)", token).groups()
            parts.append(f'"{key}" {compare}')
    return " ".join(parts)


def ask(table, query):
    """The rows of a query as dictionaries."""
    search, _, select = query.partition("|")
    select = select.strip() or "SELECT *"
    statement = sqlglot.parse_one(select, read="presto")
    wanted = sqlglot.parse_one(f"SELECT * FROM log WHERE {condition(search.strip())}", read="presto")
    if statement.args.get("from_") is None and statement.args.get("from") is None:
        statement = statement.from_("log")
    sql = f'WITH found AS ({wanted.sql("duckdb")}) ' + re.sub(r"\bFROM log\b", "FROM found", statement.sql("duckdb"))
    cursor = table.execute(sql)
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row)) for row in cursor.fetchall()]


def queries():
    """The queries of the documentation by their titles."""
    page = (ROOT / "docs/observability.md").read_text()
    part = page.split("\n## Queries\n")[1].split("\n## ")[0]
    found = re.findall(r"^### (.+?)\n.*?```sql\n(.+?)\n```", part, re.S | re.M)
    return {title: " ".join(query.split()) for title, query in found}


def check_queries():
    """Each finds what is there; what is not there it does not find."""
    bad, good = day(BAD), day(GOOD)
    stuck, broken, closed = "1234567890123456", "2234567890123456", "3234567890123456"
    expected = {
        "What has drifted": lambda rows: [row["account"] for row in rows] == [broken],
        "What is stuck, and what to do": lambda rows: [row["account"] for row in rows] == [stuck]
        and "CreateRole" in rows[0]["next"],
        "Which accounts cannot be entered, and why": lambda rows: rows[0]["accounts"] == 1 and rows[0]["lines"] >= 5,
        "How the runs of the timer went": lambda rows: len(rows) == 6 and max(row["accounts"] for row in rows) == 4,
        "Which are the slowest accounts": lambda rows: {row["account"] for row in rows} == {stuck, broken, closed}
        and rows[0]["ms"] == max(row["ms"] for row in rows) > 0,
        "Which findings, how often": lambda rows: {"policy-missing", "trust-service-missing"}
        <= {row["finding"] for row in rows},
        "Which accounts are repaired again and again": lambda rows: rows == [{"account": broken, "repairs": 3}],
        "All that a run said": lambda rows: len(rows) > 1,
        "Which lines were cut or lost": lambda rows: rows == [],
        "Which notices were not delivered": lambda rows: rows == [],
    }
    found = queries()
    assert set(found) == set(expected), set(found) ^ set(expected)
    for title, query in found.items():
        rows = ask(bad, query)
        assert expected[title](rows), f"{title}: {rows}"
        healthy = {"How the runs of the timer went": 2, "All that a run said": None}.get(title, 0)
        rows = ask(good, query)
        assert healthy is None or len(rows) == healthy, f"{title} on a good day: {rows}"
    return len(found)


def check_alerts():
    """Each fires on the bad day and not on the good one; the last one the other way round where nothing ran."""
    bad, good = day(BAD), day(GOOD)
    files = sorted((ROOT / "deploy/sls").glob("alert-*.json"))
    assert len(files) == 5, files
    for file in files:
        body = json.loads(file.read_text())
        request = models.CreateAlertRequest().from_map(body)
        request.validate()
        assert request.to_map() == body, f"{file.name}: a key that the vendor does not know"
        alert = body["configuration"]
        [query] = alert["queryList"]
        [severity] = alert["severityConfigurations"]
        test = severity["evalCondition"]["condition"]
        assert re.fullmatch(r"[A-Za-z][A-Za-z0-9]* [<>] \d+", test) and len(test) <= 128, test

        def fires(table):
            rows = ask(table, query["query"])
            assert all(re.fullmatch(r"[A-Za-z][A-Za-z0-9]*", name) for row in rows for name in row), rows
            name, compare, number = test.split()
            hit = [row for row in rows if (row[name] > int(number) if compare == ">" else row[name] < int(number))]
            return bool(hit) or (alert["noDataFire"] and not rows)

        if file.name == "alert-no-run.json":
            good.execute("CREATE TEMP TABLE kept AS SELECT * FROM log")
            assert not fires(bad) and not fires(good), file.name
            good.execute("DELETE FROM log")
            assert fires(good), file.name
            good.execute("INSERT INTO log SELECT * FROM kept")
        else:
            assert fires(bad), f"{file.name} is silent on the bad day"
            assert not fires(good), f"{file.name} fires on the good day"
    return len(files)


def check_index():
    """The vendor knows every key, and every text is long enough."""
    request = models.Index().from_map(INDEX)
    request.validate()
    known = request.to_map()
    for key in known["keys"].values():
        # The model adds an empty one everywhere.
        if not key["json_keys"]:
            del key["json_keys"]
    assert known == INDEX, "a key that the vendor does not know"
    assert INDEX["max_text_len"] == 16384


check_index()
print(f"{check_queries()} queries, {check_alerts()} alerts")
