"""Starts /code/bootstrap in a root file system and invokes it as Function Compute does: `check.py FOLDER EMULATOR_URL LOG`.

The emulator must have been started with `--seed extras` and the key below.
"""

import json
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

ACCOUNT = "1234567890123456"
KEYS = {
    "x-fc-access-key-id": "STS.Rootfs",
    "x-fc-access-key-secret": "rootfs-secret",
    "x-fc-security-token": "rootfs-token",
}
# Seconds; only reached if the function hangs.
PATIENCE = 30


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def start(system, port, cloud, log):
    variables = {
        "PATH": "/usr/bin:/bin",
        "FC_FUNC_CODE_PATH": "/code",
        "FC_ACCOUNT_ID": ACCOUNT,
        "FC_CUSTOM_LISTEN_PORT": str(port),
        "DTS_GUARD_MODE": "remediate",
        "DTS_GUARD_RAM_ENDPOINT": cloud,
        "DTS_GUARD_STS_ENDPOINT": cloud,
    }
    # /usr/sbin, where chroot lives, is not in every PATH.
    return subprocess.Popen(["/usr/sbin/chroot", system, "/code/bootstrap"], env=variables, stdout=log, stderr=log)


def wait_for_port(function, port):
    deadline = time.monotonic() + PATIENCE
    while function.poll() is None and time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), PATIENCE).close()
            return
        except ConnectionRefusedError:
            time.sleep(0.01)
    raise SystemExit(f"the function does not listen; its exit code is {function.poll()}")


def invoke(port, event, keys):
    """Gives the status, what the platform reads as the outcome, and the body."""
    headers = {"x-fc-control-path": "/invoke", "x-fc-account-id": ACCOUNT, "x-fc-function-timeout": "60", **keys}
    request = urllib.request.Request(f"http://127.0.0.1:{port}/invoke", event.encode(), headers)
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        answer = direct.open(request, timeout=PATIENCE)
    except urllib.error.HTTPError as error:
        answer = error
    with answer:
        return answer.status, answer.headers.get("x-fc-status"), json.load(answer)


def check(what, found, expected):
    if found != expected:
        raise SystemExit(f"{what}: {found!r}, expected {expected!r}")
    print(f"{what}: {found!r}")


def invoke_all(port):
    status, outcome, body = invoke(port, "", keys={})
    check("without credentials", (status, outcome, body.get("errorType")), (404, "404", "NoCredentials"))
    for event, expected in [("verify", "drifted"), ("remediate", "remediated"), ("verify", "authorized")]:
        status, outcome, body = invoke(port, event, KEYS)
        check(event, (status, outcome, body.get("status")), (200, None, expected))


def main(system, emulator, log):
    port = free_port()
    with open(log, "w") as output:
        # By name, so that this system's resolver is used.
        function = start(system, port, emulator.replace("127.0.0.1", "localhost"), output)
    try:
        wait_for_port(function, port)
        invoke_all(port)
        function.terminate()
        check("SIGTERM", function.wait(PATIENCE), 0)
    finally:
        function.kill()
        function.wait()


main(*sys.argv[1:])
