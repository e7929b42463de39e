"""Terraform, run as an operator runs it, with nothing of the configuration of whoever runs the tests.

It and its AWS provider are too large to install for a test: where they are not, the tests that need them are skipped.
"""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

PROVIDER = "registry.terraform.io/hashicorp/aws"
FOLDERS = [
    "~/.terraform.d/plugins",
    "~/.terraform.d/plugin-cache",
    "~/.local/share/terraform/plugins",
    "/usr/local/share/terraform/plugins",
    "/usr/share/terraform/plugins",
]
ADVICE = (
    "install terraform (https://developer.hashicorp.com/terraform/install), and its AWS provider 5 into a folder of "
    f"{PROVIDER}/VERSION/PLATFORM, with `terraform providers mirror ~/.terraform.d/plugins` in infra; "
    "TF_PLUGIN_MIRROR names another folder than that"
)
QUIET = ["-input=false", "-no-color"]


def find_mirror():
    """A folder that holds the AWS provider as `terraform providers mirror` writes it; None where there is none."""
    named = [os.environ[name] for name in ("TF_PLUGIN_MIRROR", "TF_PLUGIN_CACHE_DIR") if os.environ.get(name)]
    for folder in [*map(Path, named), *(Path(folder).expanduser() for folder in FOLDERS), *Path("/opt").glob("*")]:
        provider = folder / PROVIDER
        if any(provider.glob("5.*/*/terraform-provider-aws*")) or any(provider.glob("terraform-provider-aws_5.*.zip")):
            return folder.resolve()
    return None


def needed(test):
    """Skips a test where Terraform or its AWS provider is missing, and says which."""
    for here, what in [(shutil.which("terraform"), "terraform"), (find_mirror(), "Terraform's AWS provider")]:
        test = pytest.mark.skipif(not here, reason=f"{what} is not here: {ADVICE}")(test)
    return test


class Terraform:
    """A copy of a configuration, initialized. `environment` is what the provider and the variables take."""

    def __init__(self, source, folder, environment=()):
        self.folder = folder
        shutil.copytree(source, folder, ignore=shutil.ignore_patterns(".terraform*", "*.tfstate*"))
        configuration = folder / "terraform.rc"
        configuration.write_text(
            f'provider_installation {{\n  filesystem_mirror {{\n    path    = "{find_mirror()}"\n'
            f'    include = ["{PROVIDER}"]\n  }}\n}}\n'
        )
        self._environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "TMPDIR": str(folder),
            "TF_CLI_CONFIG_FILE": str(configuration),
            "TF_IN_AUTOMATION": "1",
            "CHECKPOINT_DISABLE": "1",
            "AWS_EC2_METADATA_DISABLED": "true",
            # A request that fails is to fail, not to be tried 25 times.
            "AWS_MAX_ATTEMPTS": "3",
            **dict(environment),
        }
        self.run("init", *QUIET)

    def run(self, *arguments, expect=0):
        done = subprocess.run(
            [shutil.which("terraform"), *arguments],
            cwd=self.folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=900,
        )
        print(f"$ terraform {' '.join(arguments)}\n{done.stdout}{done.stderr}")
        assert done.returncode == expect, f"terraform {arguments[0]} ended with {done.returncode}, not {expect}"
        return done.stdout

    def apply(self, *options):
        self.run("apply", "-auto-approve", *QUIET, *options)

    def has_nothing_to_change(self, *options):
        # With -detailed-exitcode, 0 says that there is nothing to change, and 2 that there is.
        self.run("plan", "-detailed-exitcode", *QUIET, *options)

    def destroy(self):
        self.run("destroy", "-auto-approve", *QUIET)

    def outputs(self):
        return {name: output["value"] for name, output in json.loads(self.run("output", "-json")).items()}
