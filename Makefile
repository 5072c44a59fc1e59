# Two commands need nothing but Python 3.11+ and make: `make demo` and `make test`.
# Each makes .venv and finds an OpenGL library the first time, and starts at once afterwards.

VENV   = .venv
PYTHON =
TORCH  = 2.13.0
ARGS   =
BIN    = $(VENV)/bin
TORCH_NAMED = $(filter command,$(origin TORCH))

# The product finds its OpenGL library by itself; this spares it the search, and tells MuJoCo's own renderer too.
GL = MUJOCO_GL=$${MUJOCO_GL:-$$(cat $(VENV)/.opengl)}

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test lint format install performance pictures results wheel clean reset torch-was-named

help:  ## list these commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' Makefile
	@echo
	@echo '  make test ARGS="tests/test_floors.py -n 0"  ARGS goes to pytest or to the demo'
	@echo '  make install TORCH=2.13.0+cu130             another build of torch (default: $(TORCH), for CPUs)'
	@echo '  make install PYTHON=python3.12              another Python (default: the first one that is 3.11 or newer)'

demo: $(VENV)/.opengl  ## the whole thread in ten minutes: rooms, slots, an agent; leaves runs/demo/index.html
	@$(GL) $(BIN)/objrep-gym demo $(ARGS)

test: $(VENV)/.opengl  ## the tests
	@$(GL) $(BIN)/python -m pytest $(ARGS)

lint: $(VENV)/.installed  ## ruff and pyright
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/pyright

format: $(VENV)/.installed  ## let ruff mend what it can
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

install: $(VENV)/.opengl  ## only prepare .venv and OpenGL

performance: $(VENV)/.opengl  ## measure, and write the tables of docs/performance.md (wants an idle machine)
	@$(GL) $(BIN)/python scripts/pages.py docs/performance.md

pictures: $(VENV)/.opengl  ## draw the pictures of the pages
	@$(GL) $(BIN)/python scripts/pictures.py

results: $(VENV)/.opengl  ## write the tables of docs/results.md by what is trained (half an hour)
	@$(GL) $(BIN)/python scripts/pages.py docs/results.md

wheel: $(VENV)/.installed  ## build dist/*.whl
	@$(BIN)/python -m hatchling build --target wheel

clean:  ## remove builds and caches; .venv and runs stay
	rm -rf build dist .pytest_cache .ruff_cache .hypothesis
	find . -path ./$(VENV) -prune -o -name __pycache__ -type d -prune -exec rm -rf {} +

reset: clean  ## remove .venv as well
	rm -rf $(VENV)

$(VENV)/.installed: pyproject.toml scripts/install.sh $(if $(TORCH_NAMED),torch-was-named)
	@PYTHON='$(PYTHON)' scripts/install.sh '$(VENV)' '$(TORCH)' $(if $(TORCH_NAMED),replace)
	@touch $@

$(VENV)/.opengl: $(VENV)/.installed scripts/opengl.sh
	@env -u MUJOCO_GL scripts/opengl.sh $(BIN)/python > $@
