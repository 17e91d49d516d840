# One command for each chore; CI runs the same ones.
.DEFAULT_GOAL := help
.PHONY: help demo cluster test cluster-test lint format hooks lock messages schema \
	screenshots bench faults viewers

PORT ?= 8000
BIN := .venv/bin
PYTEST := $(BIN)/python -m pytest
ON_POSTGRES := $(BIN)/python -m tests.postgres --

help: ## list the commands
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' Makefile | expand -t 20

demo: ## run the site with a demo provider on http://127.0.0.1:8000/ (PORT= changes it)
	@.ci/setup
	@exec $(BIN)/python manage.py demo --port $(PORT)

cluster: ## run web processes and workers behind nginx, on a PostgreSQL of their own
	@.ci/setup dev
	@exec $(BIN)/python -m tests.cluster

test: ## run every test, on SQLite and on PostgreSQL, and in a browser
	@.ci/setup dev
	@.ci/tests

cluster-test: ## break a whole deployment under load, one part after the other (minutes)
	@.ci/setup dev
	$(PYTEST) -n0 -s -q --show-capture=no tests/deployment/check_cluster.py \
		tests/deployment/check_cuts.py

lint: ## check style, types, imports, templates, settings and migrations
	@.ci/setup dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	find templates -name '*.html' -exec $(BIN)/djade --check {} +
	$(BIN)/python manage.py check
	$(BIN)/python manage.py makemigrations --check --dry-run

format: ## put code and templates into the one format
	@.ci/setup dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	find templates -name '*.html' -exec $(BIN)/djade {} +

hooks: ## let git check style and templates of what you commit
	@.ci/setup dev
	git config core.hooksPath .ci/hooks

LOCK := $(BIN)/uv pip compile pyproject.toml --extra site --quiet --universal --python-version 3.12 \
	--generate-hashes --no-emit-index-url --custom-compile-command "make lock"

lock: ## pin the requirements of pyproject.toml (UPGRADE=--upgrade takes newer ones)
	@.ci/setup dev
	$(LOCK) $(UPGRADE) --output-file requirements.txt
	$(LOCK) $(UPGRADE) --group dev --constraint requirements.txt \
		--output-file requirements-dev.txt

messages: ## collect the recorder's texts for its translators, and compile theirs
	@.ci/setup dev
	.ci/messages

schema: ## write the API's description, chatd/api/openapi.yaml
	@.ci/setup dev
	DJANGO_SETTINGS_MODULE=tests.settings $(BIN)/python manage.py spectacular \
		--validate --fail-on-warn --file chatd/api/openapi.yaml

screenshots: ## take the pictures of the README
	@.ci/setup dev
	$(BIN)/python -m tests.browser.screenshots

bench: ## measure what the recorder, the pages and the bus cost
	@.ci/setup dev
	$(BIN)/python -m tests.benchmarks
	$(ON_POSTGRES) $(BIN)/python -m tests.benchmarks bus desk scale statements writer

faults: ## break the database and the provider under load, on both databases
	@.ci/setup dev
	$(PYTEST) tests/faults -s
	$(ON_POSTGRES) $(PYTEST) tests/faults -s

viewers: ## let MLflow and Phoenix read an exported run, and another theme show the admin
	@.ci/setup dev
	$(PYTEST) -n0 tests/viewers/check_traces.py tests/viewers/check_unfold.py
