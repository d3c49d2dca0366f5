"""Against hitloop 0.5.1, the library this one carries on (https://github.com/ebaenamar/hitloop).

`published/`  its own tests, word for word, run against `hitloop_tui`
`page.md`     its README, word for word; `test_page*` runs every block of it
`test_faults_*`  one test or more for each fault in `faults.py`, which fail on hitloop 0.5.1
`against.py`  proves that they do

Page and published tests are under the MIT licence in `published/LICENSE`.
"""
