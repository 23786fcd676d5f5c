"""RudderStack's or Segment's Python SDK, unmodified; SDK_PACKAGE says which."""

import datetime
import decimal
import importlib
import json
import os
import sys

Client = importlib.import_module(f"{os.environ['SDK_PACKAGE']}.client").Client

USER = os.environ["KENWELL_USER"]

errors = []


def report(event, **details):
    """Tells the harness that something happened."""
    print("@kenwell " + json.dumps({"event": event, **details}), flush=True)


def collect(error, _batch):
    """Keeps what the SDK tells its user about a batch it could not deliver."""
    errors.append({"status": getattr(error, "status", 0), "text": str(error)})


def single(client):
    client.identify(USER, {"sdk": os.environ["SDK_NAME"], "nested": {"works": True}})


def everything(client):
    user = "zoe"
    client.identify(user, {
        "name": "Zoë Ünïcode 日本語 🎉",
        "email": "zoe@example.com",
        "age": 42,
        "score": 3.14159,
        "whole": 10.0,
        "exact": 12345678901234567890,
        "huge": 1e21,
        "tiny": 1e-7,
        "active": True,
        "deleted": False,
        "nothing": None,
        "notANumber": float("nan"),
        "infinite": float("inf"),
        "empty": "",
        "emptyObject": {},
        "emptyList": [],
        "codes": ["a", "b", 3, None, True],
        "tags": ["a", "b", 3],
        "orders": [{"y": 1, "x": None}],
        "address": {"city": "Pune", "geo": {"lat": 18.52, "lng": 73.85}, "dotted.key": "v"},
        "when": datetime.datetime(2024, 1, 2, 3, 4, 5, 678000, tzinfo=datetime.timezone.utc),
        "day": datetime.date(2024, 1, 2),
        "price": decimal.Decimal("12.5"),
        "cutEmoji": "\ud83c",
    })
    client.identify(user, {
        "plan": "pro", "age": 43, "email": None, "address": {"city": "London"}, "tags": ["z"],
    })
    client.identify(12345678901234567890, {"numeric": True})
    client.identify("opted-out", {"a": 1}, integrations={"All": False})
    client.identify("opted-in", {"a": 1}, integrations={"All": False, "Redis": True})
    client.identify(anonymous_id="anon-1", traits={"visits": 3})
    client.identify("no-traits")
    client.track(user, "Order Completed", {"total": 9.99}, context={"traits": {"fromTrack": 1}})
    client.page(user, "Docs", "Home", {"path": "/"})
    client.screen(user, "App", "Start")
    client.group(user, "acme", {"employees": 7})
    client.alias(user, "zoe-new")


def ordered(client):
    # More than one batch: the last call must win.
    for step in range(1, int(os.environ["KENWELL_STEPS"]) + 1):
        client.identify(USER, {"step": step})


def main():
    client = Client(
        os.environ["KENWELL_WRITE_KEY"],
        host=os.environ["KENWELL_URL"],
        gzip=os.environ.get("SDK_GZIP", "1") != "0",
        on_error=collect,
    )
    {"single": single, "everything": everything, "ordered": ordered}[sys.argv[1]](client)
    client.shutdown()
    report("done", errors=errors)


main()
