"""The command line, one module per matter. Everything heavy is imported inside a command, so that `--help` is instant."""
