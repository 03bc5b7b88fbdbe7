#!/usr/bin/env python3
"""Computes the bill of a month again, from nothing but the ledger and the prices.

    hyper usage --entries --csv --since 2026-11 > ledger.csv
    hyper prices --all --json > prices.json
    docs/examples/bill.py 2026-11 ledger.csv prices.json

It prints the exact total, cut off after twelve places. The rules are those of docs/prices.md.
"""
import csv, json, sys
from datetime import datetime, timedelta, timezone
from fractions import Fraction

MONTH = 2_592_000  # seconds of 30 days, for which what is stored has its price


def moment(text):
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def seconds(d):
    return Fraction(d // timedelta(microseconds=1), 1_000_000)


def following(month):
    return (month + timedelta(days=31)).replace(day=1)


since = datetime.strptime(sys.argv[1], "%Y-%m").replace(tzinfo=timezone.utc)
until = following(since)
entries = list(csv.DictReader(open(sys.argv[2])))
book = {}  # prices by the day from which on they hold, and by kind and size
for line in map(json.loads, open(sys.argv[3])):
    book.setdefault(moment(line["From"] + "T00:00:00Z"), {})[line["Kind"], line["Size"]] = Fraction(line["Price"])
days = sorted(book)
versions = list(zip(days, days[1:] + [datetime.max.replace(tzinfo=timezone.utc)], map(book.get, days)))


def price(prices, e):
    """What a second of an entry costs."""
    each = prices[e["Kind"], e["Class"]]
    return each if e["Kind"] == "container" else each / MONTH * int(e["Quantity"])


total = Fraction(0)
held = {}  # when each address was first held in the month
for e in entries:
    start, end = moment(e["Start"]), moment(e["End"])
    if e["Kind"] == "correction":
        total += Fraction(e["Amount"]) if since <= start < until else 0
    elif e["Kind"] == "fip":
        start, end = max(start, since), min(max(end, start + timedelta(milliseconds=1)), until)
        if start < end:
            held[e["Resource"]] = min(start, held.get(e["Resource"], start))
    else:
        end = max(end, start + timedelta(milliseconds=int(e["LeastMillis"])))
        for begins, ends, prices in versions:
            piece = min(end, until, ends) - max(start, since, begins)
            total += seconds(max(piece, timedelta(0))) * price(prices, e)
for start in held.values():
    total += next(prices["fip", ""] for begins, ends, prices in versions if begins <= start < ends)
sign, scaled = "-" if total < 0 else "", abs(total) * 10**12
whole = f"{scaled.numerator // scaled.denominator:013d}"
print(sign + (whole[:-12] + "." + whole[-12:]).rstrip("0").rstrip("."))
