"""The published tests of hitloop 0.5.1, word for word, run against `hitloop_tui`.

From its source distribution, under the MIT licence beside this file. `conftest` lets `hitloop` mean
`hitloop_tui` and names the checks that assert a fault.
"""
