"""A server that speaks S3, with a folder's files in its bucket: ``python s3_server.py FOLDER``.

It prints its port, and serves until its standard input ends. Objects are at ``s3://films/``.
"""

from __future__ import annotations

import logging
import sys
from pathlib import Path

import boto3
from moto.core import DEFAULT_ACCOUNT_ID
from moto.s3.models import s3_backends
from moto.server import ThreadedMotoServer


def main() -> None:
    """Serve until nobody needs it."""
    logging.getLogger("werkzeug").disabled = True
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    # Through the front for the bucket; files need not go that way.
    boto3.client("s3", endpoint_url=f"http://{host}:{port}", region_name="us-east-1").create_bucket(
        Bucket="films"
    )
    root = Path(sys.argv[1])
    for file in sorted(path for path in root.rglob("*") if path.is_file()):
        s3_backends[DEFAULT_ACCOUNT_ID]["aws"].put_object(
            "films", file.relative_to(root).as_posix(), file.read_bytes()
        )
    print(port, flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
