#!/usr/bin/env bash
# Makes this machine ready to build and test the worker, and says what it does.
#
#   scripts/setup.sh              headers and libraries of the system, for the worker
#   scripts/setup.sh venv         .venv, with what the integration tests use from PyPI; and .venv-query, with an old boto3
#                                 that speaks SQS's Query protocol; .prometheus and .pgbouncer, with Debian's, and Node.js and
#                                 Chromium, where there are none
#   scripts/setup.sh valgrind     valgrind, where it can be had, for `make test-instructions`
#   scripts/setup.sh ministack    .venv-ministack, and
#   scripts/setup.sh localstack   .venv-localstack: SQS-compatible servers, for `make test-servers`
#
# Each does nothing, quickly, where nothing is missing.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

needed_swift=6.2

say() { printf 'setup: %s\n' "$*"; }
fail() {
  printf 'setup: %s\n' "$@" >&2
  exit 1
}
has() { command -v "$1" >/dev/null 2>&1; }

has_library() {
  pkg-config --exists "$1" 2>/dev/null
}

# RETURNING came with 3.35.
has_sqlite() {
  pkg-config --atleast-version=3.35 sqlite3 2>/dev/null
}

# The server's programs: Debian keeps them apart from the path.
has_postgres_server() {
  has initdb || compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null
}

can_make_venvs() {
  python3 -c 'import ensurepip, venv' 2>/dev/null
}

# --- packages of the system -------------------------------------------------------------------------------------------

missing_on_debian() {
  has pkg-config || echo pkg-config
  has_library libcurl || echo libcurl4-openssl-dev
  has_library libcrypto || echo libssl-dev
  has_library zlib || echo zlib1g-dev
  has_sqlite || echo libsqlite3-dev
  has_library libpq || echo libpq-dev
  has make || echo make
  has git || echo git
  [ "$with_python" = no ] && return
  has python3 || echo python3
  has nginx || [ -x /usr/sbin/nginx ] || echo nginx-light
  can_make_venvs || echo python3-venv
  has_postgres_server || echo postgresql
}

apt_install() {
  local sudo=()
  if [ "$(id -u)" -ne 0 ]; then
    has sudo || fail "not root, and there is no sudo; as root, run: apt-get install $*"
    sudo=(sudo)
  fi
  say "installing with apt-get: $*"
  ${sudo[@]+"${sudo[@]}"} apt-get update -qq
  ${sudo[@]+"${sudo[@]}"} env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

# Debian's package makes a cluster and starts it, and the tests start one of their own.
keep_postgres_from_running() {
  local folder=/etc/postgresql-common/createcluster.d
  if [ -e "$folder" ] || has pg_lsclusters; then return 0; fi
  local sudo=()
  [ "$(id -u)" -eq 0 ] || sudo=(sudo)
  ${sudo[@]+"${sudo[@]}"} mkdir -p "$folder"
  echo 'create_main_cluster = false' | ${sudo[@]+"${sudo[@]}"} tee "$folder/tests.conf" >/dev/null
}

install_on_debian() {
  local packages
  mapfile -t packages < <(missing_on_debian)
  [ ${#packages[@]} -gt 0 ] || return 0
  if [[ " ${packages[*]} " == *" postgresql "* ]]; then keep_postgres_from_running; fi
  apt_install "${packages[@]}"
  mapfile -t packages < <(missing_on_debian)
  [ ${#packages[@]} -eq 0 ] || fail "apt-get finished, and these are still not usable: ${packages[*]}"
}

install_on_macos() {
  has brew || fail "Homebrew is missing: install it from https://brew.sh, then run this again"
  local package packages=()
  for package in pkg-config openssl@3 sqlite curl libpq; do
    brew list "$package" >/dev/null 2>&1 || packages+=("$package")
  done
  [ "$with_python" = no ] || has python3 || packages+=(python3)
  [ "$with_python" = no ] || has_postgres_server || packages+=(postgresql)
  [ "$with_python" = no ] || has nginx || packages+=(nginx)
  if [ ${#packages[@]} -gt 0 ]; then
    say "installing with brew: ${packages[*]}"
    brew install --quiet "${packages[@]}"
  fi
  # Homebrew does not link these, and pkg-config looks only where it is told to. The Makefile does the same.
  local prefix
  prefix=$(brew --prefix)
  say "outside of make, swift needs: export PKG_CONFIG_PATH=$prefix/opt/openssl@3/lib/pkgconfig:$prefix/opt/sqlite/lib/pkgconfig:$prefix/opt/curl/lib/pkgconfig:$prefix/opt/libpq/lib/pkgconfig"
}

check_elsewhere() {
  local missing=()
  has pkg-config || missing+=("pkg-config")
  has_library libcurl || missing+=("libcurl's headers (built on OpenSSL)")
  has_library libcrypto || missing+=("OpenSSL's headers (3 or later)")
  has_library zlib || missing+=("zlib's headers")
  has_sqlite || missing+=("SQLite's headers (3.35 or later)")
  has_library libpq || missing+=("libpq's headers (14 or later)")
  [ "$with_python" = no ] || can_make_venvs || missing+=("python3 with its venv module")
  [ "$with_python" = no ] || has_postgres_server || missing+=("PostgreSQL's server (14 or later)")
  [ ${#missing[@]} -eq 0 ] || fail \
    "I install packages on Debian, Ubuntu and macOS only. Here, please install:" "${missing[@]/#/  - }"
}

check_swift() {
  local advice="install it from https://www.swift.org/install (swiftly install latest), then run this again"
  has swift || fail "swift is missing, and version $needed_swift or later is needed: $advice"
  local version
  version=$(swift --version 2>/dev/null | sed -nE 's/.*Swift version ([0-9]+\.[0-9]+).*/\1/p' | head -n 1)
  [ -n "$version" ] || fail "cannot tell the version of $(command -v swift), and $needed_swift or later is needed: $advice"
  [ "$(printf '%s\n' "$needed_swift" "$version" | sort -V | head -n 1)" = "$needed_swift" ] ||
    fail "swift $version is too old, and $needed_swift or later is needed: $advice"
}

set_up_system() {
  case "$(uname -s)" in
    Darwin) install_on_macos ;;
    *) if has apt-get; then install_on_debian; else check_elsewhere; fi ;;
  esac
  check_swift
}

# --- what tests take from PyPI ----------------------------------------------------------------------------

# One virtual environment with exactly what a requirements file names.
set_up_venv() {
  local venv=$1 requirements=$2 purpose=$3 python=${4:-python3}
  local stamp=$venv/requirements.txt
  if [ -x "$venv/bin/python" ] && cmp -s "$requirements" "$stamp"; then
    return 0
  fi
  "$python" -c 'import sys; sys.exit(sys.version_info < (3, 10))' ||
    fail "$("$python" --version) is too old for the tests: 3.10 or later is needed"
  say "making $venv with $(grep -cE '^[^#[:space:]]' "$requirements") packages from PyPI, for $purpose (about a minute)"
  "$python" -m venv --clear "$venv"
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-input -r "$requirements"
  # Last: a set-up that was interrupted starts over.
  cp "$requirements" "$stamp"
  say "$venv is ready"
}

set_up_venvs() {
  set_up_venv .venv Tests/Integration/requirements.txt "tests"
  set_up_venv .venv-query Tests/Integration/requirements-query.txt "tests of the Query protocol"
}

# Unpacked beside the project: as a package it would run as a service.
set_up_prometheus() {
  if has prometheus && has promtool; then return 0; fi
  if [ -x .prometheus/usr/bin/promtool ]; then return 0; fi
  if ! has apt-get || ! has dpkg; then
    say "prometheus is not here, so tests that need it are skipped"
    return 0
  fi
  say "fetching prometheus with apt-get, for tests of what it reads"
  local folder
  folder=$(mktemp -d)
  if (cd "$folder" && { apt-get download -qq prometheus || { apt-get update -qq && apt-get download -qq prometheus; }; }) \
    >/dev/null 2>&1 && dpkg -x "$folder"/prometheus_*.deb "$folder/prometheus"; then
    rm -rf .prometheus
    mv "$folder/prometheus" .prometheus
  else
    say "prometheus cannot be fetched, so tests that need it are skipped"
  fi
  rm -rf "$folder"
}

# For tests of programs in JavaScript.
set_up_node() {
  if has node; then return 0; fi
  if has apt-get && (apt_install nodejs) && has node; then return 0; fi
  say "node is not here, so tests that need it are skipped"
}

# For tests of the console in a browser.
set_up_chromium() {
  if has chromium && has chromedriver; then return 0; fi
  if has apt-get && (apt_install chromium chromium-driver fonts-dejavu-core) && has chromium && has chromedriver; then return 0; fi
  say "chromium and its driver are not here, so tests of the console in a browser are skipped"
}

# Unpacked beside the project, with what it needs that is not here.
set_up_pgbouncer() {
  if has pgbouncer || [ -x .pgbouncer/usr/sbin/pgbouncer ]; then return 0; fi
  if ! has apt-get || ! has dpkg; then
    say "pgbouncer is not here, so tests that need it are skipped"
    return 0
  fi
  say "fetching pgbouncer with apt-get, for tests of the worker behind it"
  local folder
  folder=$(mktemp -d)
  if (
    cd "$folder"
    apt-cache show pgbouncer || apt-get update -qq
    mapfile -t needed < <(apt-cache depends pgbouncer | sed -nE 's/^ *Depends: (lib(c-?ares|event).*)/\1/p')
    apt-get download -qq pgbouncer "${needed[@]}"
    for package in *.deb; do dpkg -x "$package" pgbouncer; done
  ) >/dev/null 2>&1; then
    rm -rf .pgbouncer
    mv "$folder/pgbouncer" .pgbouncer
  else
    say "pgbouncer cannot be fetched, so tests that need it are skipped"
  fi
  rm -rf "$folder"
}

# Where it cannot be had, nothing is counted, and the count's script says so.
set_up_valgrind() {
  if has valgrind && has strip; then return 0; fi
  if has apt-get; then apt_install valgrind binutils; fi
}

set_up_localstack() {
  python3.13 --version >/dev/null 2>&1 || fail "LocalStack needs Python 3.13, and there is no python3.13 on the PATH"
  set_up_venv .venv-localstack Tests/requirements-localstack.txt "a LocalStack to test with" python3.13
}

case "${1:-system}" in
  system)
    with_python=no
    set_up_system
    ;;
  venv)
    with_python=yes
    set_up_system
    set_up_venvs
    set_up_prometheus
    set_up_node
    set_up_chromium
    set_up_pgbouncer
    ;;
  valgrind) set_up_valgrind ;;
  ministack) set_up_venv .venv-ministack Tests/requirements-ministack.txt "a MiniStack to test with" ;;
  localstack) set_up_localstack ;;
  *) fail "unknown argument $1; it is either nothing or one of: venv, valgrind, ministack, localstack" ;;
esac
