#!/usr/bin/env bash
# Install what keysweep's demo, tests and checks need.  Safe to run again.
set -euo pipefail
venv=${1:-.venv}

packages=(git tesseract-ocr postgresql poppler-utils openssl libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 fonts-dejavu-core)
# Servers whose keys are rotated in tests: the programs alone, so that nothing starts as a service.
packages+=(mariadb-server-core redis-tools)
# kubectl, for the tests of Kubernetes; another one that is here serves as well.
command -v kubectl >/dev/null || packages+=(kubernetes-client)
# A keyring, for the tests of the slot that lives in one.
packages+=(gnome-keyring dbus-daemon)

# Python 3.11 or newer with venv and pip; Debian's own is split into packages.
if ! python3 -c 'import ensurepip, sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then
  packages+=(python3 python3-venv)
fi
# A PostgreSQL server that is already here serves as well as Debian's own.
if ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1; then
  packages=("${packages[@]/postgresql/}")
fi

missing=()
if command -v dpkg-query >/dev/null; then
  for package in ${packages[@]}; do # unquoted: drops the empty place
    [ "$(dpkg-query -W -f='${Status}' "$package" 2>/dev/null)" = "install ok installed" ] || missing+=("$package")
  done
else
  echo "No dpkg here: see to it that these are installed: ${packages[*]}" >&2
fi
if [ "${#missing[@]}" -gt 0 ]; then
  as_root=()
  [ "$(id -u)" = 0 ] || as_root=(sudo)
  echo "Installing Debian packages: ${missing[*]}"
  "${as_root[@]}" apt-get update -qq
  DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi

if ! "$venv/bin/python" -m pip --version >/dev/null 2>&1; then
  rm -rf "$venv"
  python3 -m venv "$venv"
fi
echo "Installing Python packages into $venv"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check -e '.[dev]'
# An editable installation is not compiled, and where bytecode is not written every start would compile it anew.
"$venv/bin/python" -m compileall -q keysweep rules scanner rotation reports

# A registry of npm's, for the tests of its tokens; they are skipped where it cannot be installed.
registry="$venv/verdaccio"
if command -v npm >/dev/null && [ "$(node -p 'process.versions.node.split(".")[0] >= 20')" = true ] && [ ! -d "$registry/node_modules/verdaccio" ]; then
  mkdir -p "$registry"
  printf '{"private": true, "dependencies": {"verdaccio": "6.8.0"}, "overrides": {"node-fetch": "2.7.0"}}\n' >"$registry/package.json"
  echo "Installing npm packages into $registry"
  npm install --prefix "$registry" --ignore-scripts --no-audit --no-fund --loglevel=error >/dev/null ||
    echo "Verdaccio was not installed: the tests that need it are skipped" >&2
fi
