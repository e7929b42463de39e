"""nginx with one server of a test's, which speaks TLS."""

import os
import shutil
import socket
import subprocess

from . import wait_until

# Not everybody has it in the path that administrators have.
NGINX = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")


class Nginx:
    """Runs in the foreground, as one process, until it is stopped."""

    def __init__(self, folder, port, server):
        """The server is a block of its configuration, which listens on the port; folder is for its files."""
        self._log = folder / "access.log"
        errors = folder / "error.log"
        configuration = folder / "nginx.conf"
        configuration.write_text(
            f"""
            daemon off; master_process off; pid {folder}/pid; error_log {errors};
            events {{}}
            http {{
              log_format tests "$server_protocol $connection $status";
              access_log {self._log} tests;
              client_body_temp_path {folder}/a; proxy_temp_path {folder}/b; fastcgi_temp_path {folder}/c;
              uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;
              {server}
            }}"""
        )
        self._process = subprocess.Popen([NGINX, "-c", configuration, "-e", errors])

        def listens():
            assert self._process.poll() is None, errors.read_text()
            with socket.socket() as probe:
                return probe.connect_ex(("127.0.0.1", port)) == 0

        try:
            wait_until(listens, "nginx listens")
        except BaseException:
            self.stop()
            raise

    def stop(self):
        self._process.terminate()
        self._process.wait()

    @property
    def requests(self):
        """Of each that was answered the protocol, the connection's number and the status. All are there once it has stopped."""
        return [line.split() for line in self._log.read_text().splitlines()]


def make_certificate(folder, name):
    """One for localhost that vouches for itself: name.pem, beside name.key."""
    certificate = folder / f"{name}.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
         "-keyout", folder / f"{name}.key", "-out", certificate],
        check=True, capture_output=True,
    )  # fmt: skip
    return certificate
