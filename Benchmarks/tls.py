"""TLS in front of the stub: nginx, with a certificate of an authority that is made for the run.

Consumers trust it beside all the system's authorities, as they do in production: to read those takes longer than a handshake.
"""

import os
import shutil
import socket
import ssl
import subprocess
import time
from pathlib import Path

from servers import Server

NGINX = shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin:/usr/local/sbin")
SYSTEMS_AUTHORITIES = "/etc/ssl/certs/ca-certificates.crt"
"""Where Debian has them, whose Python looks into a folder."""
CONFIGURATION = """\
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log stderr warn;
events {{ worker_connections 16384; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  client_body_buffer_size 64k;
  proxy_buffers 16 16k;
  upstream stub {{
    server 127.0.0.1:{stub};
    keepalive 8192;
    keepalive_requests 1000000000;
    keepalive_timeout 1h;
  }}
  server {{
    listen 127.0.0.1:{port} ssl backlog=4096;
    ssl_protocols TLSv1.2 TLSv1.3;
    ssl_certificate {folder}/server.pem;
    ssl_certificate_key {folder}/server.key;
    keepalive_requests 1000000000;
    keepalive_timeout 1h;
    location / {{
      proxy_pass http://stub;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
    }}
  }}
}}
"""


class TLSFront(Server):
    """Ends TLS on the stub's core, and passes requests on over connections that stay."""

    def __init__(self, stub_port, folder):
        if not NGINX:
            raise OSError("there is no nginx; install nginx-light, where apt has it")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._chosen = free.getsockname()[1]
        _make_certificates(folder)
        configuration = folder / "nginx.conf"
        configuration.write_text(CONFIGURATION.format(folder=folder, stub=stub_port, port=self._chosen))
        bundle = folder / "authorities.pem"
        systems = Path(ssl.get_default_verify_paths().cafile or SYSTEMS_AUTHORITIES)
        bundle.write_text((folder / "authority.pem").read_text() + (systems.read_text() if systems.exists() else ""))
        self.variables = {"AWS_CA_BUNDLE": str(bundle), "SSL_CERT_FILE": str(bundle)}
        """What consumers must be told to trust it."""
        super().__init__([NGINX, "-p", str(folder), "-c", str(configuration), "-e", "stderr"])

    @property
    def queue_url(self):
        return f"https://127.0.0.1:{self.port}/000000000000/bench"

    def _wait_for_address(self, deadline):
        """It prints none, and is there when it takes connections."""
        end = time.monotonic() + deadline
        while True:
            try:
                socket.create_connection(("127.0.0.1", self._chosen)).close()
                return self._chosen
            except OSError:
                if self._process.poll() is not None or time.monotonic() > end:
                    self.stop()
                    raise OSError(f"nginx did not start: {self.log()}") from None
                time.sleep(0.02)


def _make_certificates(folder):
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    authority = Path(folder, "authority.pem")
    _openssl(*key, "-subj", "/CN=Authority of a benchmark", "-keyout", authority.with_suffix(".key"), "-out", authority)
    names = ["-addext", "subjectAltName=IP:127.0.0.1", "-addext", "basicConstraints=critical,CA:FALSE"]
    server = Path(folder, "server.pem")
    signed = ["-CA", authority, "-CAkey", authority.with_suffix(".key")]
    _openssl(*key, "-subj", "/CN=127.0.0.1", *names, *signed, "-keyout", server.with_suffix(".key"), "-out", server)


def _openssl(*arguments):
    made = subprocess.run(["openssl", "req", "-x509", *map(str, arguments)], capture_output=True, text=True, check=False)
    if made.returncode:
        raise OSError(f"openssl made no certificate: {made.stderr.strip()}")
