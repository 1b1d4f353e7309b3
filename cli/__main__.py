"""`python -m cli` is the `wanneng` command."""

from cli.main import main

if __name__ == "__main__":
    main()
