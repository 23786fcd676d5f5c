"""Renders a chart with several sets of values, and checks each manifest; run by helm.py with the libraries it needs."""

import sys
from pathlib import Path

import helm_python
import kubernetes_validate
import yaml

KUBERNETES = "1.31"
EVERYTHING = {
    "config": "[[sources]]\n", "replicas": 3, "adminKey": {"secretName": "kenwell-admin"}, "env": [{"name": "A", "value": "b"}],
    "envFrom": [{"secretRef": {"name": "c"}}], "imagePullSecrets": [{"name": "d"}], "priorityClassName": "e",
    "gateway": {"scheme": "HTTPS", "service": {"type": "LoadBalancer", "port": 443, "annotations": {"f": "g"}}},
    "persistence": {"storageClassName": "fast", "annotations": {"h": "i"}}, "podAnnotations": {"j": "k"}, "podLabels": {"l": "m"},
    "networkPolicy": {"enabled": True, "gatewayFrom": [{"ipBlock": {"cidr": "10.0.0.0/8"}}], "privateFrom": [{"podSelector": {}}]},
    "nodeSelector": {"n": "o"}, "tolerations": [{"operator": "Exists"}], "affinity": {"nodeAffinity": {}},
    "topologySpreadConstraints": [{"maxSkew": 1, "topologyKey": "p", "whenUnsatisfiable": "ScheduleAnyway"}],
}
WRONG = ({"replica": 2}, {"replicas": -1}, {"gateway": {"service": {"port": 0}}}, {"image": {"pullPolicy": "Sometimes"}}, {"persistence": {"size": "big"}})
KINDS = {"Service": 3, "StatefulSet": 1, "PodDisruptionBudget": 1}


def manifests(chart, values):
    """What Kubernetes gets."""
    rendered = chart.render(values, name="release", namespace="production")
    texts = (text for name, text in rendered.items() if name.endswith(".yaml"))
    return [one for text in texts for one in yaml.safe_load_all(text) if one]


def counts(found):
    """kind -> how many."""
    return {kind: sum(one["kind"] == kind for one in found) for kind in {one["kind"] for one in found}}


def main():
    """Fails at the first thing that is wrong."""
    with helm_python.Chart.load(Path(sys.argv[1])) as chart:
        for values, expected in (({}, KINDS), (EVERYTHING, {**KINDS, "Secret": 1, "NetworkPolicy": 1}),
                                 ({"podDisruptionBudget": {"enabled": False}}, {"Service": 3, "StatefulSet": 1})):
            found = manifests(chart, values)
            assert counts(found) == expected, counts(found)
            for manifest in found:
                kubernetes_validate.validate(manifest, KUBERNETES, strict=True)
        for values in WRONG:
            try:
                chart.validate_schema(values)
            except helm_python.HelmError:
                continue
            raise SystemExit(f"the schema lets {values} pass")


if __name__ == "__main__":
    main()
