"""Reads Kenwell's metrics page and checks that the books are balanced."""

import collections
import re
import urllib.request

SAMPLE = re.compile(r'^kenwell_destination_(?P<term>\w+?)(?:_total)?\{(?P<labels>[^}]*)\} (?P<value>\S+)$')
DESTINATION = re.compile(r'(?:^|,)destination="([^"]*)"')
OUTCOMES = ("written", "ignored", "dead_lettered", "lost", "queued")


def books(private_url, admin_key):
    """For each destination: how many identifies it was given, and what became of them."""
    request = urllib.request.Request(f"{private_url}/metrics", headers={"Authorization": f"Bearer {admin_key}"})
    with urllib.request.urlopen(request, timeout=5) as page:
        lines = page.read().decode().splitlines()
    found = collections.defaultdict(collections.Counter)
    for line in lines:
        sample = SAMPLE.match(line)
        if sample and (destination := DESTINATION.search(sample["labels"])):
            found[destination[1]][sample["term"]] += float(sample["value"])
    return found


def imbalance(name, terms):
    """None when everything accepted for a destination was written or ignored."""
    if terms["accepted"] == 0:
        return f"nothing was counted for {name}: {dict(terms)}"
    if terms["accepted"] != sum(terms[outcome] for outcome in OUTCOMES):
        return f"accepted is not the sum of {', '.join(OUTCOMES)}: {dict(terms)}"
    if terms["queued"] or terms["dead_lettered"] or terms["lost"]:
        return f"everything is visible, so nothing should be queued, dead-lettered or lost: {dict(terms)}"
    return None
