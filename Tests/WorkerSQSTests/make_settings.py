"""Writes botocore-settings.json: what botocore's session makes of shared files and environments that are drawn at random,
and of some that are written by hand.

Run it in the test environment (`.venv/bin/python make_settings.py`) after changing it. Where botocore differs from AWS's
other SDKs on purpose, nothing is drawn: AWS_REGION, which it does not read, comments after values, which it keeps, lines that go on
from a value above, and services sections without a service, which it says are not there.
"""

import json
import os
import pathlib
import random
import tempfile

import botocore.session
from botocore.configprovider import ConfiguredEndpointProvider
from botocore.exceptions import InvalidConfigError, ProfileNotFound

SERVICES = ["sqs", "sts", "sso", "sso-oidc"]
NAMES = ["default", "bot", "my dev", "Acme Games Ltd", "a.b-c", "x@y"]
REGIONS = ["eu-west-1", "us-gov-east-1", "cn-north-1"]
URLS = ["http://one:1", "https://two/sqs", "http://three:3/a/b/"]


def header(kind, name, draw):
    """As `aws configure` writes it, or by hand."""
    if kind == "profile" and name == "default":
        return draw.choice(["[default]", "[profile default]"])
    if " " in name:
        name = draw.choice([f"'{name}'", f'"{name}"'])
    elif draw.random() < 0.2:
        name = draw.choice([f"'{name}'", f'"{name}"'])
    return f"[{kind}{draw.choice([' ', '  '])}{name}]"


def entry(key, value, draw, indent=""):
    key = draw.choice([key, key, key.upper()]) if not indent.strip("\t ") and key != "endpoint_url" else key
    return indent + key + draw.choice(["=", " = ", " =", "= ", ": "]) + value + draw.choice(["", "", " "])


def noise(draw):
    return draw.choice([[], [], [""], ["# a comment"], ["; another"], ["   # indented"]])


def section(first, values, nested, draw):
    lines, indent = [first], draw.choice(["", "", "  ", "\t"])
    parts = list(values.items()) + list(nested.items())
    draw.shuffle(parts)
    for key, value in parts:
        lines += noise(draw)
        if isinstance(value, dict):
            lines.append(f"{indent}{key} ={draw.choice(['', ' '])}")
            lines += [f"{indent}    {name} = {text}" for name, text in value.items()]
        else:
            lines.append(entry(key, value, draw, indent))
    return lines


def some(draw, **choices):
    return {key: draw.choice(values) for key, values in choices.items() if draw.random() < 0.5}


def keys(draw, prefix):
    if draw.random() < 0.4:
        return {}
    values = {"aws_access_key_id": f"{prefix}-id", "aws_secret_access_key": f"{prefix}/secret+="}
    return values | ({"aws_session_token": f"{prefix}-token=="} if draw.random() < 0.5 else {})


def endpoints(draw):
    chosen = draw.sample(["sqs", "sts", "sso", "sso_oidc", "s3"], draw.randrange(1, 4))
    return {name: {"endpoint_url": draw.choice(URLS)} for name in chosen}


def files(draw):
    config, credentials = [], []
    services = draw.sample(NAMES[1:], draw.randrange(3))
    for name in draw.sample(NAMES, draw.randrange(1, 4)):
        values = some(
            draw, region=REGIONS, endpoint_url=URLS, services=services or ["missing"],
            ignore_configured_endpoint_urls=["true", "TRUE", "false"], output=["json"],
        ) | keys(draw, "config")
        nested = {"s3": {"region": "nested", "aws_access_key_id": "nested"}} if draw.random() < 0.3 else {}
        config += section(header("profile", name, draw), values, nested, draw) + noise(draw)
    for name in services:
        config += section(header("services", name, draw), {}, endpoints(draw), draw)
    for name in draw.sample(NAMES, draw.randrange(3)):
        values = some(draw, region=REGIONS, endpoint_url=URLS) | keys(draw, "credentials")
        credentials += section(f"[{name}]", values, {}, draw) + noise(draw)
    return "\n".join(config) + "\n", "\n".join(credentials) + "\n"


def environment(draw):
    return some(
        draw, AWS_PROFILE=NAMES, AWS_DEFAULT_REGION=REGIONS, AWS_IGNORE_CONFIGURED_ENDPOINT_URLS=["true", "false"],
    ) | {
        name: draw.choice(URLS)
        for name in ["AWS_ENDPOINT_URL", *(f"AWS_ENDPOINT_URL_{name}" for name in ("SQS", "STS", "SSO", "SSO_OIDC"))]
        if draw.random() < 0.1
    }


BY_HAND = [
    ("[profile 'Acme Games Ltd']\nregion = eu-west-1\n", "", {"AWS_PROFILE": "Acme Games Ltd"}),
    ("[default]\n  region = eu-west-1\n  s3 =\n    region = nested\n  output = json\n", "", {}),
    ("[default]\ns3 =\n    region = nested\nregion = eu-west-1\n", "", {}),
    ("[default]\nregion =\nendpoint_url = http://one\n", "", {}),
    ("[profile default]\nregion = eu-west-1\n", "[default]\nregion = cn-north-1\n", {}),
    ("[bot]\nregion = eu-west-1\n", "", {"AWS_PROFILE": "bot"}),
    ("[default]\nservices = local\n[services local]\nsqs =\n  endpoint_url = http://one\n", "", {}),
    ("[default]\nservices = missing\nendpoint_url = http://one\n", "", {}),
    ("", "[profile bot]\nregion = eu-west-1\n", {"AWS_PROFILE": "bot"}),
]


def resolve(config, credentials, variables):
    """What the session has; an error's class by its name."""
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        (folder / "config").write_text(config)
        (folder / "credentials").write_text(credentials)
        os.environ.clear()
        os.environ |= variables | {
            "AWS_CONFIG_FILE": f"{folder}/config", "AWS_SHARED_CREDENTIALS_FILE": f"{folder}/credentials",
            "AWS_EC2_METADATA_DISABLED": "true", "HOME": str(folder),
        }
        session = botocore.session.Session()
        try:
            scoped = session.get_scoped_config()
        except ProfileNotFound:
            return {"hasProfile": False}
        found = session.get_credentials()
        result = {
            "hasProfile": True,
            "region": session.get_config_variable("region") or None,
            "credentials": found and [found.access_key, found.secret_key, found.token],
            "endpoints": {},
        }
        if not session.get_config_variable("ignore_configured_endpoint_urls"):
            for service in SERVICES:
                provider = ConfiguredEndpointProvider(session.full_config, scoped, service)
                try:
                    url = provider.provide()
                except InvalidConfigError:
                    url = "error"
                if url:
                    result["endpoints"][service.upper().replace("-", "_")] = url
        return result


if __name__ == "__main__":
    draw = random.Random(1)
    cases = BY_HAND + [(*files(draw), environment(draw)) for _ in range(80)]
    written = [
        {"configFile": config, "credentialsFile": credentials, "environment": variables, **resolve(config, credentials, variables)}
        for config, credentials, variables in cases
    ]
    path = pathlib.Path(__file__).with_name("botocore-settings.json")
    path.write_text(json.dumps(written, indent=1, ensure_ascii=False) + "\n")
