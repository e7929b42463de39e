"""What Terraform itself says of `infra`: formatted, valid, and right by its own tests, which ask no cloud."""

import shutil
from pathlib import Path

import pytest

from support.terraform import Terraform, needed

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def terraform(tmp_path_factory):
    folder = tmp_path_factory.mktemp("terraform")
    # The tests compare the module's defaults with it.
    shutil.copy(ROOT / "routes.yaml", folder)
    return Terraform(ROOT / "infra", folder / "infra")


@needed
def test_it_is_formatted(terraform):
    terraform.run("fmt", "-check", "-recursive", "-diff")


@needed
def test_it_is_valid(terraform):
    terraform.run("validate", "-no-color")


@needed
def test_its_own_tests_pass(terraform):
    assert "0 failed" in terraform.run("test", "-no-color")
