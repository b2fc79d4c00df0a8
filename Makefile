# Verbs only; the files that they call do the work.
SHELL = /bin/sh
PYTEST = .venv/bin/python -m pytest
# Runs test files in parallel, one for each core
BESIDE = --numprocesses auto --dist loadfile --no-loadscope-reorder
# The same for tests that boot a Debian: three for each core, as they often wait, but at most eight, for their memory
BOOTED_BESIDE = --numprocesses $(shell n=$$(nproc) && echo $$((n * 3 < 8 ? n * 3 : 8))) --dist loadfile --no-loadscope-reorder
# Seconds after which a test that boots a Debian counts as hanging; emulation is slow
BOOTING = --timeout 1800 --durations 30
# Attacks on a booted Debian; 'integration' runs the others
BOOTED_ATTACKS = tests/attacks/app tests/attacks/machine tests/attacks/network
# In addition to packaging/dev/debian-packages.txt, only for the end-to-end tests: programs that the documentation uses
READERS = curl openssl pipx
# The same, only for the integration tests: a browser and an sshd
PARTNERS = chromium chromium-driver openssh-server
CODE = src tests bench docs packaging/dev packaging/device packaging/library packaging/sdist debian/bootstrap

.PHONY: help setup demo recording demo-repo check root-notice format lint unit integration e2e bench bench-switch bench-asleep bench-repository docs deb lock golden clean

help: ## Show this list
	@sed -n 's/^\([a-z0-9-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 14

setup: ## Install what the other verbs need: Debian packages (as root) and .venv
	@packaging/dev/setup

demo: setup ## Build the guestbook, upgrade it in a booted Debian under load, then break it
	@.venv/bin/python packaging/dev/demo.py

recording: setup ## Record 'make demo' in docs/_static/demo.svg (as root)
	@.venv/bin/python packaging/dev/recording.py docs/_static/demo.svg

demo-repo: setup ## Publish an app in a repository, then upgrade a Debian and roll it back
	@.venv/bin/python packaging/dev/demo_repo.py

check: root-notice setup lint unit integration e2e ## Run every check and test (as root: some boot a Debian)

root-notice:
	@[ "$$(id -u)" = 0 ] || echo "make check: not root, so the tests that boot a Debian will not run. For all: sudo make check"

format: setup ## Format the code
	.venv/bin/ruff format $(CODE)
	.venv/bin/ruff check --fix $(CODE)

lint: setup ## Check format, lint, types and plain English
	.venv/bin/ruff format --check $(CODE)
	.venv/bin/ruff check $(CODE)
	.venv/bin/mypy
	.venv/bin/python packaging/dev/plain_words.py

unit: setup ## Run the unit tests, which start no process and open no socket
	$(PYTEST) tests/unit $(BESIDE) --cov --cov-report=term --cov-fail-under=95

integration: setup ## Run the tests that use dpkg, lintian, uv, a browser and others
	@packaging/dev/setup $(PARTNERS)
	$(PYTEST) tests/integration tests/attacks -m "not boot" $(BESIDE) --durations 30

e2e: setup ## Run the tests that boot a Debian
	@packaging/dev/setup $(READERS)
	$(PYTEST) tests/e2e $(BOOTED_ATTACKS) -m "not alone" $(BOOTED_BESIDE) $(BOOTING)
	$(PYTEST) tests/e2e $(BOOTED_ATTACKS) -m alone $(BOOTING)

bench: setup ## Measure builds, compared with dh-virtualenv
	@.venv/bin/python -m bench.build

bench-switch: setup ## Measure requests during 20 upgrades and 20 rollbacks, compared with a restart
	@PYTHONPATH=tests/support:tests/e2e .venv/bin/python -m bench.switch

bench-asleep: setup ## Measure the memory and the wake-up time of 50 sleeping apps
	@PYTHONPATH=tests/support:tests/e2e .venv/bin/python -m bench.asleep

bench-repository: setup ## Measure a repository of 10,000 debs and one more, compared with other tools
	@PYTHONPATH=tests/support .venv/bin/python -m bench.repository

docs: setup ## Build the documentation's site in build/docs
	.venv/bin/sphinx-build -q -W --keep-going -b html docs build/docs

deb: setup ## Build Debonair's own .deb in dist/, in clean roots of Debian 12 and 13 (as root)
	@.venv/bin/python packaging/dev/own_deb.py dist trixie bookworm

lock: setup ## Update the locked Python packages
	.venv/bin/uv pip compile -q --universal --generate-hashes --python-version 3.11 --no-header --no-emit-index-url --extra bucket pyproject.toml -o requirements.txt
	.venv/bin/uv pip compile -q --universal --generate-hashes --python-version 3.11 --no-header --no-emit-index-url packaging/dev/requirements.in -o packaging/dev/requirements.txt

golden: setup ## Rewrite the golden files; review the difference before committing it
	$(PYTEST) tests/unit --update-golden

clean: ## Remove everything built; keep the cache of Debian roots
	rm -rf .venv dist build .coverage* .mypy_cache .pytest_cache .ruff_cache src/*.egg-info
