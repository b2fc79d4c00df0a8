#!/bin/sh
# tidy of guestbook 1.4.2-1+deb13, run by guestbook-tidy.service with this release's own libraries.
release=$(dirname -- "$(dirname -- "$(realpath -- "$0")")")
export VIRTUAL_ENV="$release/venv" PATH="$release/venv/bin:$PATH"
export FLASK_APP="$release/app/"'guestbook:create_app()'
export PYTHONPATH="$release/app"
cd "$release/app" || exit
flask tidy --all && date
