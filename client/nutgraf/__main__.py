"""`python -m nutgraf`: the same as the command `nutgraf`."""

from nutgraf._cli.main import main

if __name__ == "__main__":
    main()
