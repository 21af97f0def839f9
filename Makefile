# `make demo` shows the whole road on synthetic scans; `make test` checks everything.
.PHONY: demo test lint setup clean

demo:
	scripts/demo

test:
	scripts/test

lint:
	scripts/lint

setup:
	scripts/setup dev

clean:
	rm -rf .venv runs
