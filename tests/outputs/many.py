"""Prints a report on many accounts, of which some are broken, made of a report on one."""

import json
import sys

TEXT = '<b onclick="alert(1)">=1+1 @all \u202e\u0007 日本語</b>'


def main(path: str, accounts: int, broken: int) -> None:
    with open(path, encoding="utf-8") as file:
        report = json.load(file)
    [model] = report["accounts"]
    statuses = ["drifted", "stuck", "failed", "refused", "pending", "skipped"]
    lines = []
    for number in range(accounts):
        name = str(1_000_000_000_000_000 + number)
        if number >= broken:
            lines.append({"accountId": name, "status": "authorized"})
            continue
        status = statuses[number % 50 if number % 50 < len(statuses) else 0]
        line = dict(model, accountId=name, status=status, durationMs=number, next=f"{TEXT}: look at it\naliyun ram GetRole")
        if number % 7 == 0:
            line["before"] = dict(model["before"], trustPolicy={"Statement": [TEXT] * 20, "Version": "1"})
        lines.append(line)
    summary = dict.fromkeys(report["summary"], 0)
    summary["accounts"] = accounts
    for line in lines:
        summary[line["status"]] += 1
    report.update(accounts=lines, summary=summary, status="stuck")
    json.dump(report, sys.stdout)


main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
