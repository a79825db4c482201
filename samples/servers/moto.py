"""A private simulator of AWS (moto) on a free port of this machine that checks every signature; gone when the block ends.

Its gaps, as far as they matter here: a key that is switched off is accepted, and service-specific credentials cannot be made.
"""

from __future__ import annotations

import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from samples.servers import launch

REGION = "us-east-1"


@dataclass(frozen=True)
class Pair:
    """Both halves of an access key."""

    key_id: str
    value: str


@dataclass(frozen=True)
class Server:
    """A server that runs."""

    url: str
    admin: Pair
    """A key that may do everything."""

    def client(self, service: str, key: Pair | None = None) -> Any:
        """Return a client of the vendor's own SDK, with the administering key where no other is given."""
        return client(self.url, service, key or self.admin)

    def add_user(self, name: str) -> Pair:
        """Make a user with one key."""
        self.client("iam").create_user(UserName=name)
        return self.add_key(name)

    def add_key(self, user: str) -> Pair:
        """Make a key."""
        made = self.client("iam").create_access_key(UserName=user)["AccessKey"]
        return Pair(made["AccessKeyId"], made["SecretAccessKey"])


def client(url: str, service: str, key: Pair) -> Any:
    """Return a client of the vendor's own SDK."""
    import boto3

    return boto3.client(
        service,
        endpoint_url=url,
        region_name=REGION,
        aws_access_key_id=key.key_id,
        aws_secret_access_key=key.value,
    )


@contextmanager
def running_moto() -> Iterator[Server]:
    """Start a server for the length of a block, in a process of its own: moto's state belongs to its process.

    Raises:
        RuntimeError: it did not start.
    """
    port = launch.free_port()
    url = f"http://127.0.0.1:{port}"
    with launch.private_folder("keysweep-moto-", None) as folder:
        command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
        with launch.running(command, log=folder / "server.log", ready=lambda: launch.answers(port)):
            nobody = Pair("nobody", "nothing")
            iam = client(url, "iam", nobody)
            iam.create_user(UserName="administrator")
            everything = '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}'
            iam.put_user_policy(UserName="administrator", PolicyName="everything", PolicyDocument=everything)
            made = iam.create_access_key(UserName="administrator")["AccessKey"]
            switch = urllib.request.Request(
                f"{url}/moto-api/reset-auth", data=b"0", headers={"content-type": "text/plain"}, method="POST"
            )
            urllib.request.urlopen(switch, timeout=10).close()
            yield Server(url=url, admin=Pair(made["AccessKeyId"], made["SecretAccessKey"]))
