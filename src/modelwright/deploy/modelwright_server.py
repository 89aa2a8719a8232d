"""What the objects of a cluster need for Modelwright's own server: ports, keys, volumes, user."""

from __future__ import annotations

from modelwright.deploy.options import MODELWRIGHT, DeployOptions
from modelwright.deploy.template import indented
from modelwright.deploy.tensorflow_serving import METRICS_PATH

METRICS_PORT = 8502
"""Serves only the metrics, without keys, so that Prometheus needs none."""
USER = 10001
"""The user of the image."""
KEYS_FOLDER = "/keys"
KEYS_FILE = "keys"
"""Entry of the secret with the API keys, and the file that it becomes."""


def pod_values(options: DeployOptions) -> dict[str, object]:
    """Returns the placeholders of the pods that depend on the server."""
    return {
        "metrics_path": METRICS_PATH,
        "metrics_port": METRICS_PORT,
        "metrics_port_name": "metrics",
        "metrics_port_of_service": (
            f"    - name: metrics\n      port: {METRICS_PORT}\n      targetPort: metrics"
        ),
        "user": USER,
        "checksum": "",
        "node_selector": "",
        "keys_argument": keys_argument(options, 12),
        "keys_mount": keys_mount(options.keys_secret, 12),
        "other_volumes": "        - name: tmp\n          emptyDir: {}\n"
        + keys_volume(options.keys_secret, 8),
    }


def keys_argument(options: DeployOptions, columns: int) -> str:
    """Returns the argument that says who may send requests, as an item of a YAML list."""
    if options.keys_secret is not None:
        return indented(f"- --api-keys={KEYS_FOLDER}/{KEYS_FILE}", columns)
    text = "# Without --keys-secret, whoever reaches the port may use it.\n- --allow-open"
    return indented(text, columns)


def keys_mount(secret: str | None, columns: int) -> str:
    """Returns the place of a secret in the container, as an item of a YAML list."""
    if secret is None:
        return ""
    text = f"- name: keys\n  mountPath: {KEYS_FOLDER}\n  readOnly: true"
    return indented(text, columns)


def keys_volume(secret: str | None, columns: int) -> str:
    """Returns the volume of a secret, as an item of a YAML list."""
    if secret is None:
        return ""
    return indented(f'- name: keys\n  secret:\n    secretName: "{secret}"', columns)


def notes(options: DeployOptions) -> list[str]:
    """Returns what the user must do before the server starts, if it is Modelwright's own."""
    if options.server != MODELWRIGHT:
        return []
    found = [
        f"build the image {options.container_image} with the Dockerfile of 'modelwright deploy"
        " compose' and push it to a registry of the cluster; --image names it there."
    ]
    if options.keys_secret is None:
        return [*found, "the server has no API keys; --keys-secret names a secret that holds them."]
    return [
        *found,
        f"create the secret: kubectl create secret generic {options.keys_secret}"
        f" --from-file={KEYS_FILE}=FILE, a file with one line per client: NAME KEY.",
    ]
